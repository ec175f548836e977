"""A small document of the web, whole and within one deadline, or not at all."""

import socket
import urllib.request
from contextlib import suppress
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from threading import Lock, Timer
from time import monotonic
from typing import Any

_PIECE = 65_536


def fetch(url: str, *, seconds: float, max_bytes: int) -> bytes:
    """Follows no redirect. Raises OSError, of which TimeoutError is one, and ValueError where it is longer.

    A time-out of the socket holds for each read alone, so a server that sends a byte now and then would
    never meet it. Resolving and connecting can take `seconds` beside the rest.
    """
    watch = _Watch(seconds)
    opener = urllib.request.build_opener(_NoRedirects, _Http(watch), _Https(watch))
    request = urllib.request.Request(url, headers={"Accept": "application/json"})  # noqa: S310 - see JwtSettings
    timer = Timer(seconds, watch.end)
    timer.daemon = True
    timer.start()
    try:
        with opener.open(request, timeout=seconds) as answer:
            return _whole(answer, watch, max_bytes)
    finally:
        timer.cancel()


class _Watch:
    """Ends a connection that has not given its headers in time."""

    def __init__(self, seconds: float) -> None:
        self._end = monotonic() + seconds
        self._lock = Lock()
        self._connection: HTTPConnection | None = None

    def over(self, connection: HTTPConnection) -> None:
        """Raises TimeoutError where it is late already."""
        with self._lock:
            self._connection = connection
        self.check()

    def check(self) -> None:
        if monotonic() >= self._end:
            raise TimeoutError("the answer takes too long")

    def end(self) -> None:
        with self._lock:
            connected = self._connection.sock if self._connection else None
        if connected is not None:
            with suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)


class _Http(urllib.request.HTTPHandler):
    def __init__(self, watch: _Watch) -> None:
        super().__init__()
        self._watch = watch

    def http_open(self, req: urllib.request.Request) -> HTTPResponse:
        return self.do_open(_watched(HTTPConnection, self._watch), req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, watch: _Watch) -> None:
        super().__init__()
        self._watch = watch

    def https_open(self, req: urllib.request.Request) -> HTTPResponse:
        return self.do_open(_watched(HTTPSConnection, self._watch), req)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A document comes from the address that was asked for."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _watched(kind: type[HTTPConnection], watch: _Watch) -> Any:
    class Watched(kind):  # type: ignore[misc, valid-type]
        def connect(self) -> None:
            super().connect()
            watch.over(self)

    return Watched


def _whole(answer: Any, watch: _Watch, max_bytes: int) -> bytes:
    body = bytearray()
    while piece := answer.read1(_PIECE):
        body += piece
        watch.check()
        if len(body) > max_bytes:
            raise ValueError(f"it is longer than {max_bytes} bytes")
    return bytes(body)
