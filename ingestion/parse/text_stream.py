"""A file's text, piece by piece: as often as a reader needs it, and never whole in memory."""

import codecs
import os
from collections.abc import Callable, Iterator
from itertools import chain
from typing import TypeAlias

from ingestion.parse.builder import clean
from ingestion.parse.encoding import LEGACY_SAMPLE_BYTES, decode, legacy_encoding, marked_encoding
from ingestion.parse.limits import LONGEST_LINE, PIECE_BYTES
from ingestion.parse.media_type_binary import binary_error
from rag.errors import DocumentTooLarge

# Each call begins anew. Every piece but the last ends with a line feed; none is empty.
Pieces: TypeAlias = Callable[[], Iterator[str]]


def pieces_of(body: bytes) -> Pieces:
    """The text of bytes that are in memory, as one piece."""
    text = decode(body)
    return lambda: iter((text,) if text else ())


def pieces_in(descriptor: int) -> Pieces:
    """The text of an open file. Raises DocumentTooLarge for a line of more than LONGEST_LINE characters.

    The encoding is told as for bytes in memory, one that is not of Unicode by a sample around its first
    character outside ASCII.
    """
    encoding, mark = _encoding(descriptor)
    return lambda: _whole_lines(_decoded(descriptor, encoding, mark))


def cleaned(pieces: Pieces) -> Pieces:
    """Line breaks are cleaned to line feeds, so no combination of characters crosses from piece to piece."""
    return lambda: filter(None, map(clean, pieces()))


def lines_of(pieces: Pieces) -> Iterator[str]:
    """Without their line feeds."""
    for piece in pieces():
        yield from piece.removesuffix("\n").split("\n")


def clean_lines_of(pieces: Pieces) -> Iterator[str]:
    """Of clean text, which has no other line breaks, with their line feeds."""
    return chain.from_iterable(piece.splitlines(keepends=True) for piece in pieces())


def read_at(descriptor: int, start: int, size: int) -> bytes:
    """Up to `size` bytes; fewer at the end of the file alone."""
    found = bytearray()
    while len(found) < size and (block := os.pread(descriptor, size - len(found), start + len(found))):
        found += block
    return bytes(found)


def _blocks(descriptor: int, start: int = 0) -> Iterator[bytes]:
    while block := read_at(descriptor, start, PIECE_BYTES):
        yield block
        start += len(block)


def _encoding(descriptor: int) -> tuple[str, int]:
    """Its name, and how many bytes at the beginning mark it."""
    opening = read_at(descriptor, 0, PIECE_BYTES)
    if marked := marked_encoding(opening):
        return marked
    damaged = _first_byte_not_utf8(descriptor)
    if damaged is None:
        return "utf-8", 0
    start = max(0, damaged - LEGACY_SAMPLE_BYTES // 10)
    return legacy_encoding(read_at(descriptor, start, LEGACY_SAMPLE_BYTES)), 0


def _first_byte_not_utf8(descriptor: int) -> int | None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    position = 0
    for block in _blocks(descriptor):
        try:
            decoder.decode(block)
        except UnicodeDecodeError as error:
            return position + error.start
        position += len(block)
    return None


def _decoded(descriptor: int, encoding: str, start: int) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for block in _blocks(descriptor, start):
        text = decoder.decode(block)
        if "\0" in text:
            raise binary_error("")
        yield text
    yield decoder.decode(b"", final=True)


def _whole_lines(blocks: Iterator[str]) -> Iterator[str]:
    begun: list[str] = []
    length = 0
    for block in blocks:
        end = block.rfind("\n") + 1
        if end:
            yield "".join([*begun, block[:end]])
            begun, length = [], 0
        begun.append(block[end:])
        length += len(begun[-1])
        if length > LONGEST_LINE:
            raise DocumentTooLarge(
                f"A line of the file has more than {LONGEST_LINE:,} characters."
                " Split it into smaller documents."
            )
    if rest := "".join(begun):
        yield rest
