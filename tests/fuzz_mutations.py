"""Ways to damage a file; the same random source gives the same damage."""

import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO
from random import Random
from typing import Final, TypeAlias

from tests.fuzz_seeds import Seed

Mutation: TypeAlias = Callable[[bytes, bytes, Random], bytes]

# An archive whose bytes are damaged is seen to be so at once: its readers meet what is damaged inside.
_INSIDE: Final = 0.8
_UNREADABLE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    ValueError,
    NotImplementedError,
    EOFError,
    OSError,
    RuntimeError,
)
_EXTREMES: Final = (
    b"\x00",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"99999999999999999999",
    b"-1",
    b"1e999",
    b"NaN",
    b"<" * 50,
    b"[" * 2000,
    b"{" * 2000,
    b"&#0;",
    b"&e;&e;",
    b"\xed\xa0\x80",
    b"\r",
    b'"',
    b"\\u",
)


def mutated(seed: Seed, other: Seed, random: Random) -> bytes:
    """One to three damages, one after the other."""
    body = seed.body
    for _ in range(random.choice((1, 1, 2, 3))):
        inside = body.startswith(b"PK") and random.random() < _INSIDE
        body = (_change_member if inside else random.choice(_PLAIN))(body, other.body, random)
    return body


def _flip(body: bytes, _other: bytes, random: Random) -> bytes:
    found = bytearray(body)
    for _ in range(random.choice((1, 1, 4, 30)) if body else 0):
        found[random.randrange(len(found))] ^= 1 << random.randrange(8)
    return bytes(found)


def _truncate(body: bytes, _other: bytes, random: Random) -> bytes:
    return body[: random.randint(0, len(body))]


def _delete(body: bytes, _other: bytes, random: Random) -> bytes:
    start, end = _range(body, random)
    return body[:start] + body[end:]


def _repeat(body: bytes, _other: bytes, random: Random) -> bytes:
    start, end = _range(body, random)
    times = random.choice((2, 2, 10, 200))
    return body[:end] + body[start:end][:2000] * times + body[end:]


def _splice(body: bytes, other: bytes, random: Random) -> bytes:
    start, end = _range(other, random)
    at = random.randint(0, len(body))
    return body[:at] + other[start:end] + body[at + random.choice((0, end - start)) :]


def _insert_extreme(body: bytes, _other: bytes, random: Random) -> bytes:
    at = random.randint(0, len(body))
    return body[:at] + random.choice(_EXTREMES) + body[at + random.choice((0, 1, 4)) :]


def _change_member(body: bytes, other: bytes, random: Random) -> bytes:
    """Damages one member, and now and then leaves one out."""
    try:
        with zipfile.ZipFile(BytesIO(body)) as archive:
            members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    except _UNREADABLE:
        return _flip(body, other, random)
    if not members:
        return body
    place = random.randrange(len(members))
    name, content = members[place]
    members[place] = (name, random.choice(_PLAIN)(content, other, random))
    if random.random() < 0.1:
        del members[random.randrange(len(members))]
    written = BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name or "empty"), content)
    return written.getvalue()


def _range(body: bytes, random: Random) -> tuple[int, int]:
    start = random.randint(0, len(body))
    return start, min(len(body), start + random.choice((1, 8, 64, 512, 4096)))


_PLAIN: Final[tuple[Mutation, ...]] = (_flip, _truncate, _delete, _repeat, _splice, _insert_extreme)
