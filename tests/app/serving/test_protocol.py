"""Clients that take their time, hold what they can or leave: they cost nobody else anything."""

import asyncio
import json
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from app.api.request_id import RequestIds
from app.api.unexpected import UnexpectedErrors
from app.serving.config import server_config
from app.serving.limits import ConnectionLimits
from rag.telemetry import logger

QUICK = ConnectionLimits(
    connections=20,
    head_seconds=1,
    idle_seconds=1,
    body_seconds=20,
    window_seconds=1,
    unread_seconds=1,
    tick_seconds=0.1,
)
# Bounds of what would otherwise last for ever.
LONG = 20
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Seen:
    """What the application noticed of its clients."""

    def __init__(self) -> None:
        self.ended = threading.Event()


def application(seen: Seen) -> Starlette:
    async def hello(_request: Request) -> Response:
        return PlainTextResponse("hello")

    async def read(request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    async def endless(_request: Request) -> Response:
        async def pieces() -> Any:
            try:
                while True:
                    yield b"x" * 65_536
                    await asyncio.sleep(0)  # a sender whose reader is gone would never let another run
            finally:
                seen.ended.set()

        return StreamingResponse(pieces())

    routes = [Route("/", hello), Route("/read", read, methods=["POST"]), Route("/endless", endless)]
    app = Starlette(routes=routes)
    app.add_middleware(UnexpectedErrors)
    app.add_middleware(RequestIds)
    return app


class Serving:
    def __init__(self, port: int, seen: Seen) -> None:
        self.port = port
        self.seen = seen

    def connect(self, sent: bytes = b"") -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=LONG)
        connection.sendall(sent)
        return connection

    def hello(self) -> str:
        return httpx.get(f"http://127.0.0.1:{self.port}/", timeout=LONG).text


@contextmanager
def serving(limits: ConnectionLimits) -> Iterator[Serving]:
    seen = Seen()
    config = server_config(
        application(seen),
        limits=limits,
        port=0,
        log_level="info",
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        yield Serving(server.servers[0].sockets[0].getsockname()[1], seen)
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def quick() -> Iterator[Serving]:
    with serving(QUICK) as running:
        yield running


def received(connection: socket.socket) -> bytes:
    """All until the server closes."""
    found = b""
    try:
        while piece := connection.recv(65_536):
            found += piece
    except ConnectionResetError:
        pass
    return found


def problem_of(answer: bytes, status: int, code: str) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode()), answer
    assert b"content-type: application/problem+json" in head.lower()
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["request_id"].encode() in head


def drip(connection: socket.socket, piece: bytes) -> bytes:
    """A byte now and then until the server has had enough."""
    end = time.monotonic() + LONG
    try:
        while time.monotonic() < end:
            connection.sendall(piece)
            connection.settimeout(0.2)
            try:
                return connection.recv(65_536)
            except TimeoutError:
                continue
    except (BrokenPipeError, ConnectionResetError):
        return b""
    pytest.fail("the server waited for ever")


def test_a_connection_that_sends_nothing_ends(quick: Serving) -> None:
    with quick.connect() as connection:
        assert received(connection) == b""


@pytest.mark.parametrize("before", [b"", GET])
def test_a_head_that_drips_is_answered_408(quick: Serving, before: bytes) -> None:
    with quick.connect(before) as connection:
        answer = b""
        while before and not answer.endswith(b"hello"):  # its head and its body may come apart
            answer += connection.recv(65_536)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        problem_of(drip(connection, b"y"), 408, "request_too_slow")


@pytest.mark.parametrize("length", [b"Content-Length: 100000", b"Transfer-Encoding: chunked"])
def test_a_body_that_drips_is_answered_408(quick: Serving, length: bytes) -> None:
    head = b"POST /read HTTP/1.1\r\nHost: localhost\r\n" + length + b"\r\n\r\n"
    with quick.connect(head) as connection:
        problem_of(drip(connection, b"1\r\nx\r\n"), 408, "request_too_slow")


def test_a_body_that_stops_after_a_quick_beginning(quick: Serving) -> None:
    head = b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n"
    with quick.connect(head + b"x" * 5_000_000) as connection:
        problem_of(received(connection), 408, "request_too_slow")


def test_a_body_after_its_answer_does_not_hold_the_connection(quick: Serving) -> None:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"
    with quick.connect(head) as connection:
        answer = connection.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 405")
        while not answer.endswith(b"Method Not Allowed"):  # its head and its body may come apart
            answer += connection.recv(65_536)
        assert drip(connection, b"x") == b""


def test_a_slow_body_that_is_quick_enough(quick: Serving) -> None:
    head = b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n"
    with quick.connect(head) as connection:
        for _ in range(20):
            connection.sendall(b"x" * 3_000)
            time.sleep(0.1)
        assert connection.recv(65_536).endswith(b"60000")


def test_who_reads_nothing_of_an_answer_is_cut_off(quick: Serving) -> None:
    with quick.connect(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n"):
        assert quick.seen.ended.wait(LONG)


def test_a_head_beyond_the_limit_is_answered_431(quick: Serving) -> None:
    with quick.connect(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 17_000) as connection:
        problem_of(received(connection), 431, "headers_too_large")


def test_what_is_no_http_is_answered_400(quick: Serving) -> None:
    with quick.connect(b"\x16\x03\x01\x02\x00\x01\r\n\r\n") as connection:
        problem_of(received(connection), 400, "malformed_request")


def test_no_http_in_the_middle_of_a_body(quick: Serving, caplog: pytest.LogCaptureFixture) -> None:
    head = b"POST /read HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    with caplog.at_level(logging.INFO), quick.connect(head + b"1\r\nx\r\n") as connection:
        time.sleep(0.2)
        connection.sendall(b"zzz\r\n")
        problem_of(received(connection), 400, "malformed_request")
    assert not [record for record in caplog.records if record.exc_info]


def test_idle_connections_make_room_for_others(quick: Serving) -> None:
    with ExitStack() as held:
        for number in range(3 * QUICK.connections):
            held.enter_context(quick.connect(b"GET / HT" if number % 2 else b""))
            if number % 10 == 0:
                assert quick.hello() == "hello"


def test_no_more_requests_than_the_limit(quick: Serving) -> None:
    head = b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
    with ExitStack() as held:
        for _ in range(QUICK.connections):
            held.enter_context(quick.connect(head))
        time.sleep(0.3)
        with quick.connect() as connection:
            answer = received(connection)
        problem_of(answer, 503, "overloaded")
        assert b"retry-after: 1" in answer.lower()


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    logger.addHandler(caplog.handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    yield caplog
    logger.removeHandler(caplog.handler)
    logger.setLevel(level)


def test_a_client_that_leaves_is_no_error(quick: Serving, heard: pytest.LogCaptureFixture) -> None:
    head = b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"
    quick.connect(head + b"x").close()
    stream = quick.connect(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
    stream.recv(1)
    stream.close()
    assert quick.seen.ended.wait(LONG)
    end = time.monotonic() + LONG
    while "the client left" not in heard.text:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert "Traceback" not in heard.text
    assert not [record for record in heard.records if record.levelno > logging.INFO]


STARVED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
import uvicorn
from tests.app.serving.test_protocol import QUICK, Seen, application
from app.serving.config import server_config
from dataclasses import replace
limits = replace(QUICK, connections=1000, head_seconds=60)
config = server_config(application(Seen()), limits=limits, port=int(sys.argv[1]), lifespan="off")
uvicorn.Server(config).run()
"""


def test_without_descriptors_the_server_says_so_now_and_then_and_recovers() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", STARVED, str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        try:
            server = Serving(port, Seen())
            _until_up(server)
            held = [server.connect() for _ in range(60)]
            time.sleep(3.5)
            for each in held:
                each.close()
            assert server.hello() == "hello"
        finally:
            process.terminate()
            _, errors = process.communicate(timeout=LONG)
    lines = errors.decode().splitlines()
    assert [line for line in lines if "No connection can be accepted" in line]
    assert len(lines) < 40, "\n".join(lines[:40])


def _until_up(server: Serving) -> None:
    end = time.monotonic() + LONG
    while True:
        try:
            server.hello()
        except httpx.ConnectError:
            assert time.monotonic() < end
            time.sleep(0.05)
        else:
            return
