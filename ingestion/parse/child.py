"""The process that reads files: no credentials, no database, limited time and memory; one file at a time."""

import faulthandler
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ingestion.parse.limits import MAX_OUTPUT_BYTES
from ingestion.parse.reader import parse
from ingestion.parse.wire import HELLO, PAGE_IMAGES, Channel, from_json, pack, to_json
from rag.errors import DocumentRejected, DocumentTooLarge, ParserCrashed

# The worker ends a process that is over its time. Should the worker itself be gone, the process ends alone.
_ALONE_SECONDS = 10.0
# What a process may write to files: the trace of a crash, and nothing that fills a disk.
_MOST_WRITTEN = 1_000_000
_LONGEST_TRACE = 4000
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
    """Arguments: the socket's descriptor, and the limits of seconds, bytes and characters."""
    descriptor, seconds, memory_bytes, characters = sys.argv[1:]
    _confine(int(memory_bytes))
    with socket.socket(fileno=int(descriptor)) as connection:
        _serve(Channel(connection), seconds=float(seconds), characters=int(characters))


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


def _serve(channel: Channel, *, seconds: float, characters: int) -> None:
    channel.send(HELLO)
    while True:
        try:
            head, *rest = channel.receive(most_bytes=sys.maxsize)
        except EOFError:
            return
        signal.setitimer(signal.ITIMER_REAL, seconds + _ALONE_SECONDS)
        body = bytes(rest.pop())  # and the received one is free
        for parts in _answers(from_json(head), body, characters):
            signal.setitimer(signal.ITIMER_REAL, 0)  # the worker may take its time with a page
            channel.send(*parts)
            signal.setitimer(signal.ITIMER_REAL, seconds + _ALONE_SECONDS)
        signal.setitimer(signal.ITIMER_REAL, 0)
        del body


def _answers(request: Mapping[str, Any], body: bytes, characters: int) -> Iterator[list[bytes]]:
    """Frames whose first part is a head; the last frame of a request says so, and whether it failed."""
    failure: dict[str, Any] = {}
    try:
        yield from _results(request, body, characters)
    except DocumentRejected as error:
        failure = {"code": error.code, "detail": error.detail}
    except RecursionError:
        detail = "The document is nested too deeply. Flatten it and send it again."
        failure = {"code": DocumentTooLarge.code, "detail": detail}
    except MemoryError:
        failure = {"code": DocumentTooLarge.code, "memory": True}
    except Exception:  # noqa: BLE001 - whatever a reader stumbles over is a failure of this one file
        failure = {"code": ParserCrashed.code, "trace": traceback.format_exc()[-_LONGEST_TRACE:]}
    yield [to_json({"last": True, "peak": peak_bytes(), **failure})]


def _results(request: Mapping[str, Any], body: bytes, characters: int) -> Iterator[list[bytes]]:
    name, declared = request["name"], request["declared"]
    if request["do"] == PAGE_IMAGES:
        # Drawing needs PDFium, which most documents do not.
        from ingestion.parse.page_images import page_images  # noqa: PLC0415 - see above

        for page in page_images(body, name=name, declared=declared, most_pages=request["most_pages"]):
            yield [to_json({}), page.document_type.encode(), page.body]
    else:
        yield [to_json({}), *_packed(body, name, declared, characters)]


def _packed(body: bytes, name: str, declared: str | None, characters: int) -> list[bytes]:
    extracted = parse(body, name=name, declared=declared)
    if len(extracted.text) > characters:
        raise DocumentTooLarge(
            f"The document has {len(extracted.text):,} characters of text; the limit is {characters:,}"
            " (ACERVO_MAX_TEXT_CHARACTERS). Split it into smaller documents."
        )
    packed = pack(extracted)
    if sum(map(len, packed)) > MAX_OUTPUT_BYTES:
        raise DocumentTooLarge("The document has too many blocks. Split it into smaller documents.")
    return packed


def peak_bytes() -> int:
    """The most memory that this process ever had resident."""
    if _ON_LINUX:  # where getrusage counts what the worker had when it started this process
        status = Path("/proc/self/status").read_bytes()
        return int(status.partition(b"VmHWM:")[2].split(maxsplit=1)[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes, on macOS
