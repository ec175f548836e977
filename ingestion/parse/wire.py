"""What passes between a worker and its parsing process: frames of plain bytes, never pickled objects.

The process that reads hostile files may be taken over by one, so the worker believes nothing it is sent:
lengths are limited and spans are checked before a value is made of them.
"""

import json
import socket
from array import array
from collections.abc import Callable, Sequence
from itertools import pairwise
from operator import le
from struct import Struct
from typing import Any

from rag.domain.content import Blocks, ExtractedText

# What a process says when it can be asked, and what it can be asked for.
HELLO = b"ready"
PARSE, PARSE_FILE, PAGE_IMAGES, ENCLOSED = "parse", "parse_file", "page_images", "enclosed"

_HEAD = Struct("<I")
_LENGTH = Struct("<Q")
_MOST_PARTS = 16
# A small request is one packet: the other side wakes once.
_ONE_PACKET = 64 * 1024
_FILE = b"f"  # a descriptor travels with at least one byte


class InvalidFrame(ValueError):
    """The other side sent what is not of this protocol."""


class Channel:
    """Frames over a socket; a frame is a few parts of bytes.

    `on_wait` is called whenever the other side makes us wait for the rest; it may raise.
    """

    def __init__(self, connection: socket.socket, on_wait: Callable[[], None] | None = None) -> None:
        self._connection = connection
        self._on_wait = on_wait

    def send(self, *parts: bytes) -> None:
        """Raises OSError where nobody reads any more."""
        lengths = b"".join(_LENGTH.pack(len(part)) for part in parts)
        packet = _HEAD.pack(len(parts)) + lengths
        for part in parts:
            if len(packet) + len(part) <= _ONE_PACKET:
                packet += part
            else:
                self._send(packet)
                packet = part
        self._send(packet)

    def send_file(self, descriptor: int) -> None:
        """Lets the other side read an open file. Raises OSError where nobody reads any more."""
        socket.send_fds(self._connection, [_FILE], [descriptor])

    def receive_file(self) -> int:
        """A descriptor of the receiver's own, to be closed. Raises EOFError."""
        _, descriptors, _, _ = socket.recv_fds(self._connection, len(_FILE), 1)
        if not descriptors:
            raise EOFError
        return descriptors[0]

    def receive(self, most_bytes: int) -> list[bytearray]:
        """Raises EOFError where the other side has gone, InvalidFrame where it sends too much."""
        (count,) = _HEAD.unpack(self._read(_HEAD.size))
        if not 0 < count <= _MOST_PARTS:
            raise InvalidFrame(f"a frame of {count} parts")
        lengths = [length for (length,) in _LENGTH.iter_unpack(self._read(count * _LENGTH.size))]
        if sum(lengths) > most_bytes:
            raise InvalidFrame(f"a frame of {sum(lengths):,} bytes")
        return [self._read(length) for length in lengths]

    def _send(self, packet: bytes) -> None:
        rest = memoryview(packet)
        while rest:
            try:
                rest = rest[self._connection.send(rest) :]
            except TimeoutError:
                self._wait()

    def _read(self, size: int) -> bytearray:
        found = bytearray(size)
        rest = memoryview(found)
        while rest:
            try:
                received: int | None = self._connection.recv_into(rest)
            except TimeoutError:
                received = None
            if received == 0:
                raise EOFError
            rest = rest[received or 0 :]
            if rest:
                self._wait()
        return found

    def _wait(self) -> None:
        if self._on_wait:
            self._on_wait()


def to_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def from_json(part: bytes | bytearray) -> dict[str, Any]:
    """Raises InvalidFrame."""
    try:
        found = json.loads(part)
    except ValueError as error:
        raise InvalidFrame("a head that is not JSON") from error
    if not isinstance(found, dict):
        raise InvalidFrame("a head that is no object")
    return found


def pack(extracted: ExtractedText) -> list[bytes]:
    """Columns: a table of a million rows is five arrays, not a million objects."""
    blocks = Blocks.of(extracted.blocks)
    return [
        to_json(
            {
                "media_type": extracted.media_type,
                "title": extracted.title,
                "unread_pages": extracted.unread_pages,
            }
        ),
        extracted.text.encode(),
        blocks.starts.tobytes(),
        blocks.ends.tobytes(),
        blocks.kinds,
        blocks.levels,
        blocks.headers,
        array("I", extracted.page_starts).tobytes(),
    ]


def unpack(parts: Sequence[bytes | bytearray]) -> ExtractedText:
    """Raises InvalidFrame unless the spans are in order and inside the text."""
    try:
        head, text, starts, ends, kinds, levels, headers, page_starts = parts
        about = from_json(head)
        blocks = Blocks(
            kinds=bytes(kinds),
            starts=_offsets(starts),
            ends=_offsets(ends),
            levels=bytes(levels),
            headers=bytes(headers),
        )
        found = ExtractedText(
            text=text.decode(),
            blocks=blocks,
            media_type=_text(about["media_type"]),
            title=None if about["title"] is None else _text(about["title"]),
            page_starts=tuple(_offsets(page_starts)),
            unread_pages=_numbers(about["unread_pages"]),
        )
    except (ValueError, KeyError) as error:
        raise InvalidFrame("a result that cannot be read") from error
    _check(found, blocks)
    return found


def _offsets(part: bytes | bytearray) -> "array[int]":
    found = array("I")
    found.frombytes(part)
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidFrame("a name that is no text")
    return value


def _numbers(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(type(each) is int and each > 0 for each in value):
        raise InvalidFrame("numbers that are none")
    return tuple(value)


def _check(extracted: ExtractedText, blocks: Blocks) -> None:
    if not all(map(le, blocks.starts, blocks.ends)) or not all(map(le, blocks.ends, blocks.starts[1:])):
        raise InvalidFrame("blocks that overlap")
    pages = extracted.page_starts
    if max(*blocks.ends[-1:], *pages[-1:], 0, 0) > len(extracted.text) or any(
        a > b for a, b in pairwise(pages)
    ):
        raise InvalidFrame("offsets outside the text")
    if max(extracted.unread_pages, default=0) > len(pages):
        raise InvalidFrame("pages that there are not")
