"""One process that reads files: started with no more than it needs, watched while it reads, and ended."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import inf
from typing import Any, BinaryIO, TypeAlias

from ingestion.parse.chunk_wire import unpack_texts
from ingestion.parse.limits import MAX_OUTPUT_BYTES
from ingestion.parse.wire import HELLO, Channel, InvalidFrame, from_json
from ingestion.units import CountTokens
from rag.errors import (
    DocumentRejected,
    DocumentTooLarge,
    ParserCrashed,
    ParserTimedOut,
    ParserUnavailable,
)
from rag.settings import ParsingSettings
from rag.telemetry import logger

Beat: TypeAlias = Callable[[], None]

# How late the end of its time is noticed at most, seconds.
_LOOK = 1.0
# A new process imports what it needs; on a function's one slow core, seconds.
_START_SECONDS = 30.0
_END_SECONDS = 5.0
# A process that once needed more than this is not kept for small documents.
_KEPT_BYTES = 300_000_000
_LONGEST_TRACE = 4000
_OUT_OF_MEMORY = ("MemoryError", "bad_alloc", "memory allocation of")  # Python, C++, Rust
_REJECTIONS: Mapping[str, type[DocumentRejected]] = {
    each.code: each for each in DocumentRejected.__subclasses__()
}


def no_beat() -> None:
    """Nobody waits."""


class ProcessLost(Exception):
    """A process ended, or said what nobody can read, in the middle of an answer.

    `rejection` is what is wrong with the document, should it happen again in a process of its own.
    """

    def __init__(self, rejection: DocumentRejected) -> None:
        super().__init__(str(rejection))
        self.rejection = rejection


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a process is asked for. It gets a descriptor of the `file`, and reads that from the beginning.

    `count_tokens` answers what it asks on the way. `most_seconds`: for the whole answer, without what its
    receiver does meanwhile; for each frame it has `parser_seconds`.
    """

    head: bytes
    parts: tuple[bytes, ...] = ()
    file: BinaryIO | None = None
    count_tokens: CountTokens | None = None
    most_seconds: float = inf


class ParserProcess:
    """One parsing process, which serves one request at a time."""

    def __init__(self, settings: ParsingSettings, *, beat_seconds: float) -> None:
        """Raises ParserUnavailable."""
        self._settings = settings
        self._beat_seconds = beat_seconds
        self._trace = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._connection, theirs = socket.socketpair()
        try:
            with theirs:
                self._popen = _started(settings, theirs.fileno(), self._trace.fileno())
        except OSError as error:
            self._connection.close()
            self._trace.close()
            raise ParserUnavailable("The process that reads files cannot be started.") from error
        self._connection.settimeout(_LOOK)
        self._channel = Channel(self._connection, self._waiting)
        self._last_beat = time.monotonic()
        self._deadline = self._last_beat + _START_SECONDS
        self._restarted = self._last_beat
        self._left = inf
        self._greeted = False
        self._served = self.peak_bytes = 0
        self._asked = False
        self.beat: Beat = no_beat

    @property
    def alive(self) -> bool:
        return self._popen.poll() is None

    @property
    def reusable(self) -> bool:
        """Not in the middle of an answer, not worn, not grown."""
        fresh = self._served < self._settings.parser_documents and self.peak_bytes < _KEPT_BYTES
        return self._greeted and not self._asked and fresh and self.alive

    def ask(self, request: Request) -> Iterator[list[bytearray]]:
        """The parts of every frame of the answer, without heads. Raises DocumentRejected, ProcessLost."""
        self._greet()
        self._asked = True
        self._served += request.count_tokens is None  # to cut its text is a document's second request
        self._left = request.most_seconds
        self._restart_clock()
        with self._ends_explained():
            self._channel.send(request.head, *request.parts)
            if request.file:
                self._channel.send_file(request.file.fileno())
            while True:
                head, *parts = self._channel.receive(MAX_OUTPUT_BYTES)
                self._left -= time.monotonic() - self._restarted
                about = from_json(head)
                if about.get("last"):
                    break
                if about.get("count") and request.count_tokens:
                    counts = request.count_tokens(unpack_texts(parts))
                    self._channel.send(array("I", counts).tobytes())
                else:
                    yield parts
                self._restart_clock()
        self._asked = False
        self.peak_bytes = _number(about.get("peak"))
        if "code" in about:
            raise self._rejection(about)

    def end(self) -> None:
        """Safe to call twice."""
        self._popen.kill()
        self._popen.wait()
        if self._popen.stdin:
            self._popen.stdin.close()
        self._connection.close()
        self._trace.close()

    def _greet(self) -> None:
        if self._greeted:
            return
        self._deadline = time.monotonic() + _START_SECONDS
        try:
            (hello,) = self._channel.receive(len(HELLO))
        except (EOFError, OSError, ParserTimedOut) as error:
            raise ParserUnavailable(f"The process that reads files did not start: {self._said()}") from error
        if hello != HELLO:
            raise InvalidFrame("no greeting")
        self._greeted = True

    @contextmanager
    def _ends_explained(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, OSError) as error:
            raise self._ended() from error

    def _waiting(self) -> None:
        now = time.monotonic()
        if now > self._deadline:
            raise self._timed_out()
        if now > self._last_beat + self._beat_seconds:
            self._last_beat = now
            self.beat()

    def _restart_clock(self) -> None:
        self._last_beat = time.monotonic()
        self._restarted = self._last_beat
        self._deadline = self._last_beat + min(self._settings.parser_seconds, self._left)
        self._connection.settimeout(min(_LOOK, self._beat_seconds, self._settings.parser_seconds))

    def _timed_out(self) -> ParserTimedOut:
        return ParserTimedOut(
            f"Reading the file takes longer than {self._settings.parser_seconds:g} s"
            " (ACERVO_PARSER_SECONDS). Split it into smaller documents, or save it anew and send it again."
        )

    def _ended(self) -> DocumentRejected | ProcessLost:
        """Why a process ended in the middle of an answer."""
        with suppress(subprocess.TimeoutExpired):  # it closed its socket and lives
            self._popen.wait(_END_SECONDS)
        code = self._popen.returncode
        said = self._said()
        logger.warning("A parsing process ended (%s): %s", code, said)
        if code == -signal.SIGALRM:
            return self._timed_out()
        # The kernel kills where memory runs out; libraries end their process where they are given none.
        if code == -signal.SIGKILL or any(sign in said for sign in _OUT_OF_MEMORY):
            return ProcessLost(self._too_much_memory())
        return ProcessLost(crashed())

    def _said(self) -> str:
        self._trace.seek(max(0, os.fstat(self._trace.fileno()).st_size - _LONGEST_TRACE))
        return self._trace.read().decode(errors="replace").strip() or "it said nothing"

    def _rejection(self, about: Mapping[str, Any]) -> DocumentRejected:
        if about.get("memory"):
            return self._too_much_memory()
        if "trace" in about:
            logger.error("A reader failed on a document: %s", about["trace"])
            return crashed()
        return _REJECTIONS.get(str(about["code"]), ParserCrashed)(str(about["detail"]))

    def _too_much_memory(self) -> DocumentTooLarge:
        return DocumentTooLarge(
            f"Reading the file takes more memory than {self._settings.parser_memory_bytes:,} bytes"
            " (ACERVO_PARSER_MEMORY_BYTES). Split it into smaller documents."
        )


def crashed() -> ParserCrashed:
    return ParserCrashed(
        "The file made its reader fail: it is damaged or unusual. Open it, save it anew and send it again."
    )


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise InvalidFrame("a figure that is no number")
    return value


def _started(settings: ParsingSettings, connection: int, trace: int) -> "subprocess.Popen[bytes]":
    """A process of the same Python that sees the same modules, and nothing else of the environment.

    Its session is its own: Ctrl-C is the worker's to answer. Nobody writes to its standard input, which ends
    with the worker.
    """
    program = "from ingestion.parse.child import main; main()"
    limits = (
        settings.parser_seconds,
        settings.parser_memory_bytes,
        settings.max_text_characters,
        settings.max_streamed_characters,
    )
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONUTF8": "1"}
    if settings.library_path:
        environment["LD_LIBRARY_PATH"] = settings.library_path
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-P", "-s", "-c", program, str(connection), *map(str, limits)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=trace,
        env=environment,
        pass_fds=(connection,),
        start_new_session=True,
    )
