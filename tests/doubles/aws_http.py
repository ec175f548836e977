"""HTTP/1.1 on loopback for fakes of AWS services: whole replies, streams in timed pieces, hang-ups."""

import asyncio
import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from math import isinf
from ssl import SSLContext
from typing import Any, Final
from uuid import uuid4

_LAST_CHUNK: Final = b"0\r\n\r\n"


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Part of a stream, sent `delay` seconds after the one before. An endless `delay` stalls."""

    data: bytes = b""
    delay: float = 0.0
    hang_up: bool = False


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What goes over the wire. An endless `delay` stalls; `hang_up` closes the connection instead.

    `pieces` take the place of `body` and go out in chunked transfer encoding.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    hang_up: bool = False
    pieces: Iterator[Piece] | None = None


@dataclass(frozen=True, kw_only=True)
class Request:
    """`port`: the client's, which tells one connection from another."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    port: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class HttpService(ABC):
    @abstractmethod
    def reply(self, request: Request) -> Reply: ...

    @abstractmethod
    def piece_sent(self) -> None: ...

    @abstractmethod
    def abandoned(self) -> None:
        """The client went away before its reply was complete."""


@dataclass(frozen=True, kw_only=True)
class Listening:
    url: str
    close_connections: Callable[[], None]


class _Connection(asyncio.Protocol):
    """Keep-alive, one request at a time; asyncio sets TCP_NODELAY."""

    def __init__(self, service: HttpService, open_connections: set[asyncio.Transport]) -> None:
        self._service = service
        self._open_connections = open_connections
        self._received = b""
        self._answering = False
        self._pending: asyncio.TimerHandle | None = None
        self._pieces: Iterator[Piece] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._open_connections.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the base class has it
        self._open_connections.discard(self._transport)
        self._stop()

    def eof_received(self) -> None:
        self._stop()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        parts = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in parts}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return
        self._received = rest[length:]
        method, path, _ = first.split(" ")
        port = self._transport.get_extra_info("peername")[1]
        self._answer(Request(method=method, path=path, headers=headers, body=rest[:length], port=port))

    def _answer(self, request: Request) -> None:
        self._answering = True
        reply = self._service.reply(request)
        if not isinf(reply.delay):
            loop = asyncio.get_running_loop()
            self._pending = loop.call_later(reply.delay, self._send, reply)

    def _send(self, reply: Reply) -> None:
        if reply.hang_up:
            self._hang_up()
        elif reply.pieces is None:
            self._transport.write(_head(reply, {"Content-Length": str(len(reply.body))}) + reply.body)
            self._answering = False
        else:
            self._transport.write(_head(reply, {"Transfer-Encoding": "chunked"}))
            self._pieces = reply.pieces
            self._go_on(asyncio.get_running_loop().time())

    def _go_on(self, due: float) -> None:
        """Sends what is due at that time and waits for the next piece's time."""
        assert self._pieces is not None
        ready = bytearray()
        for piece in self._pieces:
            if piece.delay:
                self._wait_for(piece, due + piece.delay)
                break
            if piece.hang_up:
                self._transport.write(bytes(ready))
                self._hang_up()
                return
            ready += self._chunk(piece)
        else:
            ready += _LAST_CHUNK
            self._answering = False
        self._transport.write(bytes(ready))

    def _wait_for(self, piece: Piece, due: float) -> None:
        if not isinf(due):
            self._pending = asyncio.get_running_loop().call_at(due, self._late, piece, due)

    def _late(self, piece: Piece, due: float) -> None:
        if piece.hang_up:
            self._hang_up()
            return
        self._transport.write(self._chunk(piece))
        self._go_on(due)

    def _chunk(self, piece: Piece) -> bytes:
        self._service.piece_sent()
        return b"%x\r\n%b\r\n" % (len(piece.data), piece.data) if piece.data else b""

    def _hang_up(self) -> None:
        self._answering = False
        self._transport.abort()

    def _stop(self) -> None:
        if self._pending is not None:
            self._pending.cancel()
        if self._answering:
            self._answering = False
            self._service.abandoned()


def _head(reply: Reply, framing: Mapping[str, str]) -> bytes:
    headers = {
        "Content-Type": "application/json",
        **framing,
        "x-amzn-RequestId": str(uuid4()),
        **reply.headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {reply.status} {_phrase(reply.status)}\r\n{lines}\r\n".encode("latin-1")


def _phrase(status: int) -> str:
    """SageMaker has a status of its own, 530."""
    return HTTPStatus(status).phrase if status in {*HTTPStatus} else "Unknown"


@contextmanager
def listening(
    service: HttpService, *, name: str, port: int = 0, tls: SSLContext | None = None
) -> Iterator[Listening]:
    """In a thread of this process."""
    loop = asyncio.new_event_loop()
    open_connections: set[asyncio.Transport] = set()
    creating = loop.create_server(
        lambda: _Connection(service, open_connections), "127.0.0.1", port, backlog=1024, ssl=tls
    )
    server = loop.run_until_complete(creating)
    thread = threading.Thread(target=loop.run_forever, name=name)
    thread.start()
    try:
        yield Listening(
            url=f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}",
            close_connections=lambda: asyncio.run_coroutine_threadsafe(
                _abort(open_connections), loop
            ).result(),
        )
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(_close(server, open_connections))
        loop.close()


async def _close(server: asyncio.Server, open_connections: set[asyncio.Transport]) -> None:
    server.close()
    await _abort(open_connections)
    await server.wait_closed()


async def _abort(open_connections: set[asyncio.Transport]) -> None:
    for transport in tuple(open_connections):
        transport.abort()
    await asyncio.sleep(0)  # aborted transports close their sockets in the next turn
