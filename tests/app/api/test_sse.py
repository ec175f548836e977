import asyncio
import threading
from collections.abc import Iterator
from typing import Any

from starlette.types import Message

from app.api.sse import EventStream, ServerEvent
from app.schemas.common import ResponseModel


class Number(ResponseModel):
    number: int


def as_event(number: int) -> ServerEvent:
    return ServerEvent(name="number", data=Number(number=number))


async def received(stream: EventStream[int], *, until: bytes | None = None) -> bytes:
    """All that is sent; the client leaves once it has seen `until`."""
    sent = bytearray()
    leave = asyncio.Event()

    async def receive() -> Message:
        await leave.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.extend(message.get("body", b""))
        if until is not None and until in sent:
            leave.set()

    await asyncio.wait_for(stream({"type": "http"}, receive, send), timeout=10)
    return bytes(sent)


def stream_of(events: Iterator[int], heartbeat_seconds: float = 15.0) -> EventStream[int]:
    return EventStream(events, as_event, request_id="req_1", heartbeat_seconds=heartbeat_seconds)


def test_events_are_sent_in_order() -> None:
    sent = asyncio.run(received(stream_of(iter([1, 2]))))
    assert sent == b'event: number\ndata: {"number":1}\n\nevent: number\ndata: {"number":2}\n\n'


def test_a_silent_generator_is_bridged_by_heartbeats() -> None:
    go_on = threading.Event()

    def slow() -> Iterator[int]:
        yield 1
        go_on.wait(0.3)
        yield 2

    sent = asyncio.run(received(stream_of(slow(), heartbeat_seconds=0.02)))
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

    asyncio.run(received(stream_of(endless()), until=b'"number":3'))
    assert closed.is_set()
    assert len(produced) < 1000


def test_a_surprise_in_the_middle_is_the_last_event_and_tells_nothing() -> None:
    def surprising() -> Iterator[int]:
        yield 1
        raise ZeroDivisionError("the secret")

    sent = asyncio.run(received(stream_of(surprising())))
    assert sent.count(b"event: ") == 2
    assert b'event: error\ndata: {"type":"urn:acervo:problem:internal_error"' in sent
    assert b"secret" not in sent


def test_nothing_is_wrong_with_headers() -> None:
    headers: dict[str, Any] = dict(stream_of(iter([1])).headers)
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["cache-control"] == "no-cache"
    assert "content-length" not in headers
