"""The process that reads files and cuts texts: no credentials or database, limited time and memory."""

import faulthandler
import fcntl
import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

from ingestion.analysis import analysed
from ingestion.chunk import chunk
from ingestion.parse.chunk_wire import CHUNK, pack_chunks, pack_header, pack_texts, plan_from_json
from ingestion.parse.limits import MAX_OUTPUT_BYTES
from ingestion.parse.reader import Limits, parse, parse_file
from ingestion.parse.wire import (
    ENCLOSED,
    HELLO,
    PAGE_IMAGES,
    PARSE_FILE,
    Channel,
    from_json,
    pack,
    to_json,
    unpack,
)
from ingestion.units import last_header
from rag.domain.content import ExtractedText
from rag.errors import DocumentRejected, DocumentTooLarge, ParserCrashed

# The worker ends a process that is over its time. Where that fails the process ends alone.
_ALONE_SECONDS = 10.0
# What a process may write to files: the trace of a crash, and nothing that fills a disk.
_MOST_WRITTEN = 1_000_000
_LONGEST_TRACE = 4000
# As many as are looked up at once among the vectors already paid for.
_CHUNKS = 64
_ON_LINUX: Final = sys.platform == "linux"
# What no reader has a reason to do, whatever a file asks for.
_FORBIDDEN = frozenset(
    {
        "socket.connect",
        "socket.bind",
        "socket.getaddrinfo",
        "subprocess.Popen",
        "os.system",
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.spawn",
        "os.remove",
        "os.rename",
        "shutil.rmtree",
    }
)


def main() -> None:
    """Arguments: the socket's descriptor; limits of seconds, bytes, characters, streamed characters."""
    descriptor, seconds, memory_bytes, characters, streamed_characters = sys.argv[1:]
    _follow_the_worker()
    _confine(int(memory_bytes))
    with socket.socket(fileno=int(descriptor)) as connection:
        reading = _Reading(
            channel=Channel(connection),
            seconds=float(seconds),
            characters=int(characters),
            streamed_characters=int(streamed_characters),
        )
        reading.serve()


def _follow_the_worker() -> None:
    """It alone says when to end: by closing the connection, or by being gone, whatever a reader does then."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # a service manager signals every process
        signal.signal(number, signal.SIG_IGN)
    if _ON_LINUX:  # the kernel sends SIGIO, which ends a process, when the other end of the pipe is closed
        fcntl.fcntl(sys.stdin, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(sys.stdin, fcntl.F_SETFL, os.O_ASYNC)


def _confine(memory_bytes: int) -> None:
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_MOST_WRITTEN, _MOST_WRITTEN))
    if _ON_LINUX:  # macOS takes the call and limits nothing
        # Not RLIMIT_AS: libraries reserve address space that they never touch.
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    sys.addaudithook(_refuse)


def _refuse(event: str, _arguments: tuple[Any, ...]) -> None:
    if event in _FORBIDDEN:
        raise PermissionError(f"a reader of documents may not do {event}")


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """What the worker asks for, answered by frames whose first part is a head.

    The last frame of a request says so, and whether it failed.
    """

    channel: Channel
    seconds: float
    characters: int
    streamed_characters: int

    def serve(self) -> None:
        self.channel.send(HELLO)
        while True:
            try:
                head, *rest = self.channel.receive(most_bytes=sys.maxsize)
            except EOFError:
                return
            self._start_clock()
            failure = _failure(partial(self._answer, from_json(head), rest))
            signal.setitimer(signal.ITIMER_REAL, 0)
            self.channel.send(to_json({"last": True, "peak": peak_bytes(), **failure}))

    def _answer(self, request: Mapping[str, Any], rest: list[bytearray]) -> None:
        if request["do"] == ENCLOSED:
            self._answer_enclosed(request["size"], request["media_type"])
            return
        if request["do"] == CHUNK:
            self._answer_chunks(request, unpack(rest))
            return
        about = {"name": request["name"], "declared": request["declared"]}
        if request["do"] == PARSE_FILE:
            limits = Limits(whole_bytes=request["whole_bytes"], characters=self.streamed_characters)
            with self._received_file() as descriptor:
                parse_file(descriptor, request["size"], **about, limits=limits, emit=self._send_text)
            return
        body = bytes(rest.pop())  # and the received one is free
        if request["do"] == PAGE_IMAGES:
            # Drawing needs PDFium, which most documents do not.
            from ingestion.parse.page_images import page_images  # noqa: PLC0415 - see above

            which = {"most_pages": request["most_pages"], "pages": request["pages"]}
            for page in page_images(body, **about, **which):
                self._send(page.document_type.encode(), page.body)
        else:
            self._send_text(parse(body, **about))

    def _answer_chunks(self, request: Mapping[str, Any], part: ExtractedText) -> None:
        plan = plan_from_json(request)
        chunks = chunk(
            part,
            plan.chunking,
            most_tokens=plan.most_tokens,
            count_tokens=self._count_tokens,
            header=plan.header,
        )
        ready = analysed(chunks, plan.title, plan.language)
        while batch := list(islice(ready, _CHUNKS)):
            self._send(*pack_chunks(batch))
        self._send(pack_header(last_header(part, plan.header)))

    def _count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The worker has the model's tokenizer."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        self.channel.send(to_json({"count": True}), *pack_texts(texts))
        (counts,) = self.channel.receive(most_bytes=sys.maxsize)
        self._start_clock()
        return [*memoryview(counts).cast("I")]

    def _answer_enclosed(self, size: int, media_type: str) -> None:
        # Most documents enclose nothing.
        from ingestion.parse.enclosed import enclosed  # noqa: PLC0415 - see above

        with self._received_file() as descriptor:
            for each in enclosed(descriptor, size, media_type):
                self._send(each.name.encode(), each.media_type.encode(), each.body)

    @contextmanager
    def _received_file(self) -> Iterator[int]:
        descriptor = self.channel.receive_file()
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _send_text(self, extracted: ExtractedText) -> None:
        if len(extracted.text) > self.characters:
            raise DocumentTooLarge(
                f"The document has {len(extracted.text):,} characters of text; the limit is"
                f" {self.characters:,} (ACERVO_MAX_TEXT_CHARACTERS). Split it into smaller documents."
            )
        packed = pack(extracted)
        if sum(map(len, packed)) > MAX_OUTPUT_BYTES:
            raise DocumentTooLarge("The document has too many blocks. Split it into smaller documents.")
        self._send(*packed)

    def _send(self, *parts: bytes) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)  # the worker may take its time with a part
        self.channel.send(to_json({}), *parts)
        self._start_clock()

    def _start_clock(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, self.seconds + _ALONE_SECONDS)


def _failure(answer: Callable[[], None]) -> dict[str, Any]:
    try:
        answer()
    except DocumentRejected as error:
        return {"code": error.code, "detail": error.detail}
    except RecursionError:
        detail = "The document is nested too deeply. Flatten it and send it again."
        return {"code": DocumentTooLarge.code, "detail": detail}
    except MemoryError:
        return {"code": DocumentTooLarge.code, "memory": True}
    except Exception:  # noqa: BLE001 - whatever a reader stumbles over is a failure of this one file
        return {"code": ParserCrashed.code, "trace": traceback.format_exc()[-_LONGEST_TRACE:]}
    return {}


def peak_bytes() -> int:
    """The most memory that this process ever had resident."""
    if _ON_LINUX:  # where getrusage counts what the worker had when it started this process
        status = Path("/proc/self/status").read_bytes()
        return int(status.partition(b"VmHWM:")[2].split(maxsplit=1)[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes, on macOS
