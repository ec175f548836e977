"""Requests that call a model: each has a thread of its own, and ends with its client or the server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, TypeVar

import anyio
from anyio.to_thread import run_sync
from fastapi import Depends, Request
from starlette.exceptions import HTTPException
from starlette.types import Receive

from rag.errors import Overloaded, ShuttingDown, Unavailable
from rag.interruption import Interrupted, Interruption

T = TypeVar("T")

# A thread that waits for a model costs little (see bench/streaming.py); searches have threads of their own.
MODEL_CALLS = 256


class ModelCall:
    """`given_up_for` is what its client is told, if the client is still there."""

    def __init__(self) -> None:
        self._interruption = Interruption()
        self.given_up_for: Unavailable | None = None

    async def run(self, work: Callable[[], T]) -> T:
        """Waits for the thread, cancelled or not: what it holds is in use until then."""
        try:
            return await run_sync(self._interruption.run, work, limiter=anyio.CapacityLimiter(1))
        except Interrupted:
            raise self.given_up_for or HTTPException(400, "The client has left.") from None

    def give_up(self, reason: Unavailable | None = None) -> None:
        """The thread stops waiting for the model at once, and for good."""
        self.given_up_for = self.given_up_for or reason
        self._interruption.interrupt()

    @asynccontextmanager
    async def given_up_with_client(self, receive: Receive) -> AsyncIterator[None]:
        watcher = asyncio.create_task(self._give_up_on_disconnect(receive))
        try:
            yield
        finally:
            watcher.cancel()
            await asyncio.wait([watcher])

    async def _give_up_on_disconnect(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.give_up()


class ModelCalls:
    """All of this server. Belongs to the event loop's thread."""

    def __init__(self, limit: int = MODEL_CALLS) -> None:
        self._limit = limit
        self._running: set[ModelCall] = set()
        self._closed = False

    def begin(self) -> ModelCall:
        """Raises Overloaded and ShuttingDown; what was begun is to be ended."""
        if self._closed:
            raise ShuttingDown("The server is being stopped.")
        if len(self._running) >= self._limit:
            raise Overloaded(f"{self._limit} requests wait for models already.")
        call = ModelCall()
        self._running.add(call)
        return call

    def end(self, call: ModelCall) -> None:
        self._running.discard(call)

    async def run(self, request: Request, work: Callable[[], T]) -> T:
        """The work's result, unless its client leaves before."""
        call = self.begin()
        try:
            async with call.given_up_with_client(request.receive):
                return await call.run(work)
        finally:
            self.end(call)

    def close(self) -> None:
        """Those that still run are given up, and no other begins."""
        self._closed = True
        for call in tuple(self._running):
            call.give_up(ShuttingDown("The server was stopped before the model had finished."))


async def _model_calls(request: Request) -> ModelCalls:
    calls: ModelCalls = request.app.state.model_calls
    return calls


ModelCallsDependency = Annotated[ModelCalls, Depends(_model_calls)]
