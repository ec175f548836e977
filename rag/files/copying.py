"""Copies a file that others may write meanwhile: as it was at one moment, or not at all."""

import os
import time
from typing import BinaryIO

from rag.errors import ChangingFile, DocumentTooLarge
from rag.files.opening import Tree

# Two changes within one tick of the kernel's clock have the same time.
_TICK_NANOSECONDS = 20_000_000
_ATTEMPTS = 4
_PAUSE = 0.05
_BLOCK = 1 << 20


def copy(tree: Tree, path: str, to: BinaryIO, *, most_bytes: int | None = None) -> None:
    """Raises UnreadableFile, FileNotFoundError, ChangingFile, DocumentTooLarge."""
    start = to.tell()
    for attempt in range(_ATTEMPTS):
        time.sleep(_PAUSE * attempt)
        to.seek(start)
        to.truncate()
        with tree.file(path) as file:
            before = _settled(file)
            _refuse_size(before.st_size, most_bytes)
            _copy(file, to, before.st_size)
            if _same(before, os.fstat(file.fileno())):
                return
    raise ChangingFile("The file changes while it is read. It is read again a little later.")


def _settled(file: BinaryIO) -> os.stat_result:
    """What a later change cannot look like."""
    found = os.fstat(file.fileno())
    if abs(time.time_ns() - found.st_mtime_ns) < _TICK_NANOSECONDS:
        time.sleep(_TICK_NANOSECONDS / 1e9)
        found = os.fstat(file.fileno())
    return found


def _copy(file: BinaryIO, to: BinaryIO, size: int) -> None:
    """One byte more than there were, at most: a file that grows is read again."""
    left = size + 1
    while left and (block := file.read(min(left, _BLOCK))):
        to.write(block)
        left -= len(block)


def _same(before: os.stat_result, after: os.stat_result) -> bool:
    return (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)


def _refuse_size(size: int, most_bytes: int | None) -> None:
    if most_bytes is not None and size > most_bytes:
        raise DocumentTooLarge(
            f"The document has {size:,} bytes; the limit is {most_bytes:,} (ACERVO_MAX_STREAMED_BYTES)."
        )
