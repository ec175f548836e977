"""What keeps the server's log short, readable and free of secrets."""

import asyncio
import errno
import logging
import time
from collections.abc import Callable
from typing import Any, Final

from rag.telemetry import readable

_NO_ROOM: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_server: Final = logging.getLogger("uvicorn.error")


class ReadableArguments(logging.Filter):
    """What came from a client is escaped, and secrets in it are left out."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(readable(each) if isinstance(each, str) else each for each in record.args)
        return True


class Repeats(logging.Filter):
    """Of one message only so many in a while; the next one after it tells how many were left out."""

    def __init__(
        self, *, most: int = 5, seconds: float = 10, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        # By the template, and by little of it: some are made of what came.
        key = (record.name, str(record.msg)[:60])
        now = self._clock()
        begun, count = self._seen.get(key, (now, 0))
        if now - begun >= self._seconds:
            left_out, begun, count = count - self._most, now, 0
            if left_out > 0:
                record.msg = f"{record.msg} (repeated {left_out} times before)"
        self._remember(key, begun, count + 1)
        return count < self._most

    def _remember(self, key: tuple[str, str], begun: float, count: int) -> None:
        if key not in self._seen and len(self._seen) >= 100:  # noqa: PLR2004 - more than there are messages
            self._seen.clear()
        self._seen[key] = (begun, count)


def tame_logs() -> None:
    """Of uvicorn and asyncio, after uvicorn has set up its own."""
    for name in ("uvicorn", "uvicorn.access"):
        for handler in logging.getLogger(name).handlers:
            handler.addFilter(ReadableArguments())
    for name in ("uvicorn.error", "asyncio"):
        logger = logging.getLogger(name)
        logger.filters = [each for each in logger.filters if not isinstance(each, Repeats)]
        logger.addFilter(Repeats())


def new_event_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(_on_loop_exception)
    return loop


def _on_loop_exception(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Asyncio pauses for a second where no descriptor is left, and reports each attempt with a traceback."""
    error = context.get("exception")
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        _server.error("No connection can be accepted now, the next attempt is in 1 s: %s", error.strerror)
    elif isinstance(error, ValueError) and "_start_serving" in str(context.get("message")):
        # The attempt that asyncio had put off, after the server was stopped and its socket closed (3.11).
        _server.debug("No connection is accepted any more.")
    elif isinstance(error, ConnectionError):
        _server.debug("A client left: %s", error)
    else:
        loop.default_exception_handler(context)
