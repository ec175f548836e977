"""Server-sent events from a blocking iterator: heartbeats while it is silent, given up with its reader."""

import asyncio
import weakref
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TypeVar

import anyio
from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.api.model_calls import ModelCall, ModelCalls
from app.api.outbox import Outbox
from app.api.problems import internal_problem, problem_of
from app.api.request_id import request_id_of
from app.ground import closing
from rag.errors import AcervoError
from rag.interruption import Interrupted, interruptible
from rag.telemetry import logger

T = TypeVar("T")

HEARTBEAT_SECONDS = 15.0
HEARTBEAT = b": heartbeat\n\n"


@dataclass(frozen=True, kw_only=True)
class ServerEvent:
    name: str
    data: BaseModel

    def encoded(self) -> bytes:
        return f"event: {self.name}\ndata: {self.data.model_dump_json()}\n\n".encode()


async def open_stream(
    calls: ModelCalls,
    request: Request,
    events: Callable[[], Iterator[T]],
    convert: Callable[[T], ServerEvent],
    *,
    at_once: int = 1,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
) -> "EventStream":
    """What is wrong before the first event is raised here, and becomes a status.

    `at_once`: events at the beginning that come without waiting for a model, and are sent as one.
    """
    call, request_id = calls.begin(), request_id_of(request.scope)
    try:
        async with call.given_up_with_client(request.receive):
            ready, encoded = await call.run(
                lambda: _begun(encode_events(events(), convert, request_id, at_once))
            )
    except BaseException:
        calls.end(call)
        raise
    return EventStream(
        ready,
        encoded,
        call,
        request_id=request_id,
        heartbeat_seconds=heartbeat_seconds,
        end=partial(calls.end, call),
    )


class EventStream(Response):
    """Runs once, in a thread of its own."""

    media_type = "text/event-stream"

    def __init__(
        self,
        ready: bytes,
        encoded: Generator[bytes, None, None],
        call: ModelCall,
        *,
        request_id: str,
        heartbeat_seconds: float,
        end: Callable[[], None],
    ) -> None:
        # Also where something fails between its being made and its being sent.
        self._end = weakref.finalize(self, end)
        self._complete = False
        self._ready = ready
        self._encoded = encoded
        self._call = call
        self._request_id = request_id
        self._heartbeat_seconds = heartbeat_seconds
        self.status_code = 200
        self.background = None
        self.init_headers({"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        outbox = Outbox()
        producing = asyncio.create_task(self._call.run(partial(self._produce, outbox)))
        try:
            async with self._call.given_up_with_client(receive):
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                await send({"type": "http.response.body", "body": self._ready, "more_body": True})
                await self._send_events(outbox, send)
        finally:
            self._call.give_up()
            await asyncio.wait([producing])
            self._end()

    def _produce(self, outbox: Outbox) -> None:
        try:
            with suppress(Interrupted), closing(self._encoded) as chunks, interruptible(outbox.finish):
                for chunk in chunks:
                    outbox.put(chunk)
                self._complete = True
        finally:
            outbox.finish()

    async def _send_events(self, outbox: Outbox, send: Send) -> None:
        while (chunk := await self._taken(outbox)) is not None:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": self._last_words(), "more_body": False})

    async def _taken(self, outbox: Outbox) -> bytes | None:
        with anyio.move_on_after(self._heartbeat_seconds):
            return await outbox.take()
        return HEARTBEAT

    def _last_words(self) -> bytes:
        reason = self._call.given_up_for
        return b"" if self._complete or reason is None else error_event(reason, self._request_id)


def _begun(encoded: Generator[bytes, None, None]) -> tuple[bytes, Generator[bytes, None, None]]:
    """What is sent first is made here: a change of threads takes milliseconds while others compute."""
    return next(encoded), encoded


def encode_events(
    events: Iterator[T], convert: Callable[[T], ServerEvent], request_id: str, at_once: int
) -> Generator[bytes, None, None]:
    """The first is raised where it fails, a later error is the last event; closing this closes `events`."""
    with closing(events):
        first = [next(events), *islice(events, at_once - 1)]
        yield b"".join(convert(event).encoded() for event in first)
        try:
            for event in events:
                yield convert(event).encoded()
        except AcervoError as error:
            yield error_event(error, request_id)
        except Exception:
            logger.exception("request %s failed while streaming", request_id)
            yield ServerEvent(name="error", data=internal_problem(request_id)).encoded()


def error_event(error: AcervoError, request_id: str) -> bytes:
    logger.error("request %s: %s: %s", request_id, error.code, error)
    return ServerEvent(name="error", data=problem_of(error, request_id)).encoded()
