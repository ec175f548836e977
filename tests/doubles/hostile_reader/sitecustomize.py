"""On a parsing process's path, makes its reader do what a document says: `DO crash`, `DO hang` …"""

import ctypes
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import NoReturn

from ingestion.parse import reader
from rag.domain.content import Block, BlockKind, ExtractedText
from rag.text import sentences

_true_parse = reader.parse
_true_spans = sentences.sentence_spans
_poisoned: list[bool] = []


def _crash() -> NoReturn:
    ctypes.string_at(0)
    raise AssertionError


def _hang() -> NoReturn:
    while True:
        time.sleep(1)


def _wait() -> str:
    time.sleep(0.8)
    return "It waited."


def _take_long() -> str:
    time.sleep(6)
    return "It took long."


def _be_killed() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    _hang()


def _poison() -> ExtractedText:
    """Harms its process, so that the next document ends it."""
    _poisoned.append(True)
    return _true_parse(b"harmless", name="a.txt")


def _hang_in_c() -> NoReturn:
    pow(7, 10**9, 10**200_000)
    raise AssertionError


def _fill_memory() -> NoReturn:
    kept = []
    while True:
        kept.append(bytearray(10_000_000))


def _grow() -> str:
    return str(len(b"x" * 350_000_000))


def _fail() -> NoReturn:
    raise KeyError("a bug")


def _recurse() -> NoReturn:
    _recurse()


def _connect() -> NoReturn:
    socket.create_connection(("127.0.0.1", 9), timeout=1)
    raise AssertionError


def _leave() -> NoReturn:
    os._exit(0)


def _write_frame() -> NoReturn:
    """What a process that was taken over may send: no result, but a pickle that runs a command."""
    connection = socket.socket(fileno=_connection())
    connection.sendall(b"\x01\x00\x00\x00" + (28).to_bytes(8, "little") + b"cos\nsystem\n(S'exit 9'\ntR.....")
    _leave()


def _write_endless_frame() -> NoReturn:
    connection = socket.socket(fileno=_connection())
    connection.sendall(b"\x01\x00\x00\x00" + (1 << 62).to_bytes(8, "little"))
    _hang()


def _environment() -> str:
    return "\n".join(f"{name}={value}" for name, value in sorted(os.environ.items()))  # noqa: TID251 - what it inherited


def _open_descriptors() -> str:
    return " ".join(str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink())


def _process_id() -> str:
    return str(os.getpid())


def _wrong_spans() -> ExtractedText:
    return ExtractedText(
        text="short",
        blocks=(Block(kind=BlockKind.PARAGRAPH, start=0, end=900),),
        media_type="text/plain",
    )


def _connection() -> int:
    return int(sys.argv[1])


_DEEDS = {
    deed.__name__[1:]: deed
    for deed in (
        _crash,
        _hang,
        _wait,
        _take_long,
        _be_killed,
        _poison,
        _hang_in_c,
        _fill_memory,
        _fail,
        _grow,
        _recurse,
        _connect,
        _leave,
        _write_frame,
        _write_endless_frame,
        _environment,
        _open_descriptors,
        _process_id,
        _wrong_spans,
    )
}


def _parse(body: bytes, *, name: str, declared: str | None = None) -> ExtractedText:
    if _poisoned:
        _crash()
    if not body.startswith(b"DO "):
        return _true_parse(body, name=name, declared=declared)
    done = _DEEDS[body[3:].decode()]()
    return _true_parse(done.encode(), name="a.txt") if isinstance(done, str) else done


def _sentence_spans(text: str) -> list[tuple[int, int]]:
    """A pattern that takes for ever on a certain text, and lets no other thread run."""
    if "FREEZE" in text:
        _hang_in_c()
    if "SLOW" in text:
        time.sleep(1.5)
    return _true_spans(text)


reader.parse = _parse
sentences.sentence_spans = _sentence_spans
