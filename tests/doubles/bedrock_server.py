"""A server on loopback that keeps Bedrock Runtime's contract, its quotas, and breaks on demand.

As a process of its own: `python -m tests.doubles.bedrock_server --latency-ms 80 --requests-per-second 50`
prints its URL and serves until it is terminated.
"""

import argparse
import asyncio
import hashlib
import json
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from math import isinf
from ssl import SSLContext
from time import monotonic
from typing import Final
from urllib.parse import unquote
from uuid import uuid4

from tests.doubles.bedrock_models import EMBEDDING_MODELS, Answer, Invalid

_RECORDED: Final = 20_000


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What goes over the wire. An endless `delay` stalls; `hang_up` closes the connection instead."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    hang_up: bool = False


def failure(status: int, code: str, message: str, *, retry_after: str | None = None) -> Reply:
    """An error as Bedrock words it."""
    headers = {"x-amzn-ErrorType": f"{code}:http://internal.amazon.com/coral/com.amazon.bedrock/"}
    if retry_after is not None:
        headers["Retry-After"] = retry_after
    return Reply(status=status, body=json.dumps({"message": message}).encode(), headers=headers)


def throttling(message: str = "Too many requests", *, retry_after: str | None = None) -> Reply:
    return failure(
        429,
        "ThrottlingException",
        f"{message}, please wait before trying again.",
        retry_after=retry_after,
    )


@dataclass(kw_only=True)
class Behaviour:
    """What may be changed while the server runs.

    `burst_seconds`: how much unused quota is kept. `fault` is asked with the number of each request and
    may give a reply to send instead of the truth.
    """

    latency: float = 0.0
    requests_per_second: float | None = None
    tokens_per_second: float | None = None
    burst_seconds: float = 0.1
    retry_after: str | None = None
    fault: Callable[[int], Reply | None] | None = None


@dataclass(frozen=True, kw_only=True)
class Request:
    """`port`: the client's, which tells one connection from another."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    port: int


@dataclass(kw_only=True)
class Statistics:
    requests: int = 0
    answered: int = 0
    throttled: int = 0
    failed: int = 0


@dataclass(frozen=True, kw_only=True)
class BedrockServer:
    """`planned` replies are used up, one a request, before requests are answered truly; None is the truth.

    `embedded`: how often each text was embedded, by the sha256 of its UTF-8 in hexadecimal.
    """

    url: str
    behaviour: Behaviour
    planned: deque[Reply | None]
    embedded: Counter[str]
    requests: deque[Request]
    statistics: Statistics
    close_connections: Callable[[], None]

    def times_embedded(self, text: str) -> int:
        return self.embedded[_sha256(text)]


class _Bucket:
    """Unused quota; a request larger than the bucket passes when it is full."""

    def __init__(self) -> None:
        self._level = float("inf")
        self._since = monotonic()

    def take(self, amount: float, rate: float | None, burst_seconds: float) -> bool:
        if rate is None:
            return True
        now, capacity = monotonic(), max(1.0, rate * burst_seconds)
        self._level = min(capacity, self._level + (now - self._since) * rate)
        self._since = now
        if self._level < min(amount, capacity):
            return False
        self._level -= amount
        return True


class _Service:
    """Routes a request by its path, like the service itself."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.planned: deque[Reply | None] = deque()
        self.embedded: Counter[str] = Counter()
        self.requests: deque[Request] = deque(maxlen=_RECORDED)
        self.statistics = Statistics()
        self._request_bucket = _Bucket()
        self._token_bucket = _Bucket()

    def reply(self, request: Request) -> Reply:
        if request.path == "/statistics":
            return Reply(body=json.dumps(asdict(self.statistics)).encode())
        self.requests.append(request)
        self.statistics.requests += 1
        reply = self._instead() or self._truth(request)
        self._count(reply)
        return reply

    def _instead(self) -> Reply | None:
        if self.planned:
            return self.planned.popleft()
        fault = self.behaviour.fault
        return fault(self.statistics.requests) if fault else None

    def _truth(self, request: Request) -> Reply:
        _, _, rest = request.path.partition("/model/")
        model, _, action = unquote(rest).rpartition("/")
        if action == "invoke" and model in EMBEDDING_MODELS:
            return self._embed(EMBEDDING_MODELS[model], request.body)
        # `converse` and `converse-stream` belong here.
        if action == "invoke":
            return failure(400, "ValidationException", "The provided model identifier is invalid.")
        return failure(404, "UnknownOperationException", "")

    def _embed(self, model: Callable[[bytes], Answer], body: bytes) -> Reply:
        behaviour = self.behaviour
        if not self._request_bucket.take(1, behaviour.requests_per_second, behaviour.burst_seconds):
            return throttling(retry_after=behaviour.retry_after)
        try:
            answer = model(body)
        except Invalid as error:
            return failure(400, "ValidationException", str(error))
        if not self._token_bucket.take(answer.tokens, behaviour.tokens_per_second, 1.0):
            return throttling("Too many tokens", retry_after=behaviour.retry_after)
        self.embedded.update(map(_sha256, answer.texts))
        return Reply(body=answer.body, headers={"X-Amzn-Bedrock-Input-Token-Count": str(answer.tokens)})

    def _count(self, reply: Reply) -> None:
        self.statistics.answered += reply.status == 200 and not reply.hang_up
        self.statistics.throttled += reply.status == 429
        self.statistics.failed += reply.status >= 500 or reply.hang_up


class _Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, one request at a time; asyncio sets TCP_NODELAY."""

    def __init__(self, service: _Service, open_connections: set[asyncio.Transport]) -> None:
        self._service = service
        self._open_connections = open_connections
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._open_connections.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the base class has it
        self._open_connections.discard(self._transport)

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
        reply = self._service.reply(request)
        delay = reply.delay + self._service.behaviour.latency
        if not isinf(delay):
            asyncio.get_running_loop().call_later(delay, self._send, reply)

    def _send(self, reply: Reply) -> None:
        if reply.hang_up:
            self._transport.abort()
            return
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(reply.body)),
            "x-amzn-RequestId": str(uuid4()),
            **reply.headers,
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}\r\n{lines}\r\n"
        self._transport.write(head.encode("latin-1") + reply.body)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def bedrock_server(
    behaviour: Behaviour | None = None, *, port: int = 0, tls: SSLContext | None = None
) -> Iterator[BedrockServer]:
    """In a thread of this process."""
    service = _Service(behaviour or Behaviour())
    loop = asyncio.new_event_loop()
    open_connections: set[asyncio.Transport] = set()
    listening = loop.create_server(
        lambda: _Connection(service, open_connections), "127.0.0.1", port, backlog=1024, ssl=tls
    )
    server = loop.run_until_complete(listening)
    thread = threading.Thread(target=loop.run_forever, name="bedrock-server")
    thread.start()
    try:
        yield BedrockServer(
            url=f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}",
            behaviour=service.behaviour,
            planned=service.planned,
            embedded=service.embedded,
            requests=service.requests,
            statistics=service.statistics,
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--requests-per-second", type=float)
    parser.add_argument("--tokens-per-second", type=float)
    parser.add_argument("--retry-after")
    arguments = parser.parse_args()
    behaviour = Behaviour(
        latency=arguments.latency_ms / 1000,
        requests_per_second=arguments.requests_per_second,
        tokens_per_second=arguments.tokens_per_second,
        retry_after=arguments.retry_after,
    )
    with bedrock_server(behaviour, port=arguments.port) as server:
        print(server.url, flush=True)  # noqa: T201 - what the starting process reads
        signal.pause()


if __name__ == "__main__":
    main()
