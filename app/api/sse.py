"""Server-sent events from a blocking iterator: heartbeats while it is silent, closed with its reader."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import anyio
from anyio.abc import ObjectSendStream
from anyio.to_thread import run_sync
from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.api.problems import internal_problem, problem_of
from app.ground import closing
from rag.errors import AcervoError
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


class EventStream(Response, Generic[T]):
    """What is wrong before the first event is raised when this is made, and becomes a status."""

    media_type = "text/event-stream"

    def __init__(
        self,
        events: Iterator[T],
        convert: Callable[[T], ServerEvent],
        *,
        request_id: str,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._encoded = encode_events(next(events), events, convert, request_id)
        self._heartbeat_seconds = heartbeat_seconds
        self.status_code = 200
        self.background = None
        self.init_headers({"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_cancel_on_disconnect, receive, tasks.cancel_scope)
                await self._send_events(send)
                tasks.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await run_sync(self._encoded.close)

    async def _send_events(self, send: Send) -> None:
        """A task waits for the thread, so that a heartbeat need not interrupt it."""
        writer, reader = anyio.create_memory_object_stream[bytes]()
        async with anyio.create_task_group() as tasks, reader:
            tasks.start_soon(self._pump, writer)
            while True:
                chunk = HEARTBEAT
                with anyio.move_on_after(self._heartbeat_seconds):
                    try:
                        chunk = await reader.receive()
                    except anyio.EndOfStream:
                        break
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _pump(self, writer: ObjectSendStream[bytes]) -> None:
        async with writer:
            while (chunk := await run_sync(next, self._encoded, None)) is not None:
                await writer.send(chunk)


async def _cancel_on_disconnect(receive: Receive, running: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    running.cancel()


def encode_events(
    first: T, rest: Iterator[T], convert: Callable[[T], ServerEvent], request_id: str
) -> Generator[bytes, None, None]:
    """An error in the middle is the last event; closing this closes `rest`."""
    with closing(rest):
        try:
            yield convert(first).encoded()
            for event in rest:
                yield convert(event).encoded()
        except AcervoError as error:
            logger.error("request %s: %s: %s", request_id, error.code, error)  # noqa: TRY400  # known by name
            yield ServerEvent(name="error", data=problem_of(error, request_id)).encoded()
        except Exception:
            logger.exception("request %s failed while streaming", request_id)
            yield ServerEvent(name="error", data=internal_problem(request_id)).encoded()
