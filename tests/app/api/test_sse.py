import asyncio
import gc
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.types import Message

from app.api.model_calls import ModelCalls
from app.api.outbox import ROOM_BYTES
from app.api.sse import EventStream, ServerEvent, open_stream
from app.schemas.common import ResponseModel
from rag.errors import DatabaseUnavailable, Overloaded, ShuttingDown
from rag.interruption import interruptible


class Number(ResponseModel):
    number: int


def as_event(number: int) -> ServerEvent:
    return ServerEvent(name="number", data=Number(number=number))


class Client:
    """Keeps what it is sent; leaves once it has seen `until`, or when it is told to."""

    def __init__(self, *, until: bytes | None = None) -> None:
        self.got = bytearray()
        self.began, self.ended = asyncio.Event(), asyncio.Event()
        self._until = until
        self._left = asyncio.Event()
        self.request = Request({"type": "http", "state": {"request_id": "req_1"}}, self.receive)

    def leave(self) -> None:
        self._left.set()

    async def receive(self) -> Message:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.got.extend(message.get("body", b""))
        if message.get("body"):
            self.began.set()
        if message["type"] == "http.response.body" and not message["more_body"]:
            self.ended.set()
        if self._until is not None and self._until in self.got:
            self.leave()

    async def read(
        self, events: Callable[[], Iterator[int]], *, calls: ModelCalls | None = None, heartbeat: float = 15.0
    ) -> bytes:
        stream = await self.open(events, calls=calls, heartbeat=heartbeat)
        await asyncio.wait_for(stream({"type": "http"}, self.receive, self.send), timeout=10)
        return bytes(self.got)

    async def open(
        self, events: Callable[[], Iterator[int]], *, calls: ModelCalls | None = None, heartbeat: float = 15.0
    ) -> EventStream:
        calls = calls or ModelCalls()
        return await open_stream(calls, self.request, events, as_event, heartbeat_seconds=heartbeat)


def received(events: Iterator[int], *, until: bytes | None = None, heartbeat: float = 15.0) -> bytes:
    async def read() -> bytes:
        return await Client(until=until).read(lambda: events, heartbeat=heartbeat)

    return asyncio.run(read())


class SilentModel:
    """Says two words and then nothing until it is stopped."""

    def __init__(self) -> None:
        self.silent = threading.Event()
        self.left = threading.Event()
        self._stopped = threading.Event()

    def words(self) -> Iterator[int]:
        yield 0
        yield 1
        yield from self.silence()

    def silence(self) -> Iterator[int]:
        try:
            with interruptible(self._stopped.set):
                self.silent.set()
                self._stopped.wait(10)
            yield 2
        finally:
            self.left.set()


def test_events_are_sent_in_order() -> None:
    sent = received(iter([1, 2]))
    assert sent == b'event: number\ndata: {"number":1}\n\nevent: number\ndata: {"number":2}\n\n'


def test_a_silent_generator_is_bridged_by_heartbeats() -> None:
    go_on = threading.Event()

    def slow() -> Iterator[int]:
        yield 1
        go_on.wait(0.3)
        yield 2

    sent = received(slow(), heartbeat=0.02)
    first, *heartbeats, last = sent.split(b"\n\n")[:-1]
    assert b'"number":1' in first
    assert b'"number":2' in last
    assert len(heartbeats) >= 2
    assert set(heartbeats) == {b": heartbeat"}


def test_a_client_that_leaves_ends_the_generator() -> None:
    closed = threading.Event()
    produced: list[int] = []

    def endless() -> Iterator[int]:
        try:
            for number in range(1_000_000):
                produced.append(number)
                yield number
        finally:
            closed.set()

    received(endless(), until=b'"number":3}')
    assert closed.is_set()
    assert len(produced) < 100_000


def test_a_client_that_leaves_while_the_model_is_silent_stops_it_at_once() -> None:
    model = SilentModel()
    started = time.monotonic()
    assert b'"number":2' not in received(model.words(), until=b'"number":1}')
    assert model.left.is_set()
    assert time.monotonic() - started < 5


def test_a_client_that_leaves_before_the_first_event_stops_the_model_too() -> None:
    model = SilentModel()

    async def leave() -> None:
        client, calls = Client(), ModelCalls(limit=1)
        opening = asyncio.create_task(client.open(model.silence, calls=calls))
        await asyncio.to_thread(model.silent.wait)
        client.leave()
        with pytest.raises(HTTPException):
            await opening
        assert model.left.is_set()
        calls.begin()

    asyncio.run(leave())


def test_a_reader_that_is_behind_holds_the_generator_back() -> None:
    produced: list[int] = []

    def much() -> Iterator[int]:
        for number in range(20_000):
            produced.append(number)
            yield number

    async def read() -> tuple[int, bytes]:
        client, at_first_send = Client(), 0
        stream = await client.open(much)

        async def slow_send(message: Message) -> None:
            nonlocal at_first_send
            if not at_first_send and message.get("body"):
                await asyncio.sleep(0.3)
                at_first_send = len(produced)
            await client.send(message)

        await stream({"type": "http"}, client.receive, slow_send)
        return at_first_send, bytes(client.got)

    ahead, sent = asyncio.run(read())
    assert ahead < 3 * (ROOM_BYTES // len(as_event(10_000).encoded()))
    assert sent.count(b"event: number") == 20_000


def test_streams_that_run_when_the_server_stops_end_with_an_error() -> None:
    model = SilentModel()

    async def stop() -> Client:
        client, calls = Client(), ModelCalls()
        reading = asyncio.create_task(client.read(model.words, calls=calls))
        await asyncio.to_thread(model.silent.wait)
        calls.close()
        await reading
        with pytest.raises(ShuttingDown):
            calls.begin()
        return client

    client = asyncio.run(stop())
    assert client.ended.is_set()
    assert model.left.is_set()
    assert client.got.count(b"event: ") == 3
    assert b'event: error\ndata: {"type":"urn:acervo:problem:shutting_down"' in client.got


def test_a_model_that_cannot_be_stopped_does_not_keep_the_reader() -> None:
    go_on = threading.Event()

    def deaf() -> Iterator[int]:
        yield 1
        go_on.wait(10)
        yield 2

    async def stop() -> None:
        client, calls = Client(), ModelCalls()
        reading = asyncio.create_task(client.read(deaf, calls=calls))
        await client.began.wait()
        calls.close()
        await client.ended.wait()
        assert not reading.done()
        go_on.set()
        assert b'"number":2' not in await reading

    asyncio.run(asyncio.wait_for(stop(), 10))


def test_a_stream_that_has_ended_is_not_touched_by_a_stop() -> None:
    async def read() -> bytes:
        client, calls = Client(), ModelCalls()
        sent = await client.read(lambda: iter([1]), calls=calls)
        calls.close()
        return sent

    assert b"error" not in asyncio.run(read())


def test_no_more_than_the_limit_run_at_once() -> None:
    def fails() -> Iterator[int]:
        raise DatabaseUnavailable("gone")

    async def fill() -> None:
        calls = ModelCalls(limit=1)
        with pytest.raises(DatabaseUnavailable):
            await Client().open(fails, calls=calls)
        await Client().read(lambda: iter([1]), calls=calls)
        stream = await Client().open(lambda: iter([1]), calls=calls)
        with pytest.raises(Overloaded) as refused:
            await Client().open(lambda: iter([1]), calls=calls)
        assert refused.value.retry_after_seconds > 0
        del stream, refused  # never sent: what failed in between must not keep its place
        gc.collect()
        assert await calls.run(Client().request, lambda: "done") == "done"

    asyncio.run(fill())


def test_a_surprise_in_the_middle_is_the_last_event_and_tells_nothing() -> None:
    def surprising() -> Iterator[int]:
        yield 1
        raise ZeroDivisionError("the secret")

    sent = received(surprising())
    assert sent.count(b"event: ") == 2
    assert b'event: error\ndata: {"type":"urn:acervo:problem:internal_error"' in sent
    assert b"secret" not in sent


def test_nothing_is_wrong_with_headers() -> None:
    stream = asyncio.run(Client().open(lambda: iter([1])))
    headers: dict[str, Any] = dict(stream.headers)
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["cache-control"] == "no-cache"
    assert "content-length" not in headers
