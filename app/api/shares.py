"""How many of a tenant's requests are worked on at once: no one tenant takes the whole server."""

import asyncio
from collections import deque
from collections.abc import Callable, MutableMapping
from time import monotonic
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import problem_of, problem_response, retry_after
from app.api.request_id import request_id_of
from rag.errors import TenantBusy

if TYPE_CHECKING:
    from rag.domain.credentials import Principal

# A third of the pool's connections (PoolSettings.max_size).
AT_ONCE = 4
# While other tenants ask, too: the cores are shared by whoever has something in work.
BESIDE_OTHERS = 2
# How long a tenant counts as one of the others after its last request, seconds.
LATELY = 2.0
# Requests that wait for a model most of their time: half of those that the server has (model_calls.py).
MODEL_CALLS_AT_ONCE = 128
MOST_WAITING = 256
WAIT_SECONDS = 10.0


class Share:
    """One tenant's places, given in the order of asking. Belongs to the event loop's thread."""

    def __init__(self, at_once: Callable[[], int], *, most_waiting: int, seconds: float) -> None:
        self._at_once = at_once
        self._taken = 0
        self._most_waiting = most_waiting
        self._seconds = seconds
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.users = 0

    async def take(self) -> None:
        """Raises TenantBusy where too many wait, or where the wait is too long."""
        if self._taken < self._at_once() and not self._waiting:
            self._taken += 1
            return
        if len(self._waiting) >= self._most_waiting:
            raise TenantBusy(f"{self._most_waiting} requests of this tenant wait already.")
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            async with asyncio.timeout(self._seconds):
                await place
        except (TimeoutError, asyncio.CancelledError) as error:
            self._forget(place)
            if isinstance(error, TimeoutError):
                raise TenantBusy(f"No place became free within {self._seconds:.0f} s.") from error
            raise

    def give_back(self) -> None:
        self._taken -= 1
        while self._waiting and self._taken < self._at_once():
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                self._taken += 1

    def _forget(self, place: asyncio.Future[None]) -> None:
        if place.cancelled():
            self._waiting.remove(place)
        else:  # given just now, and not to be lost
            self.give_back()


class TenantShares:
    """A request takes its place when all of its body is there, and gives it back with its answer's beginning.

    So a slow upload and a slow reader hold none. What is generated goes on after its answer's beginning, and
    holds a place of its own kind until its end. The middleware that admits requests runs before it.
    `spending`: whether the request has something generated; `waits`: whether that is waiting for a model.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        spending: Callable[[Scope], bool],
        waits: Callable[[], bool],
        at_once: int = AT_ONCE,
        beside_others: int = BESIDE_OTHERS,
        model_calls_at_once: int = MODEL_CALLS_AT_ONCE,
        most_waiting: int = MOST_WAITING,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._app = app
        self._spending = spending
        self._waits = waits
        self._at_once = at_once
        self._beside_others = min(at_once, beside_others)
        self._model_calls_at_once = model_calls_at_once
        self._limits: dict[str, Any] = {"most_waiting": most_waiting, "seconds": wait_seconds}
        self._shares: MutableMapping[tuple[str, bool], Share] = {}
        # The tenant that asked last, and when another one did.
        self._latest: str | None = None
        self._others_at = -LATELY

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        principal: Principal | None = scope["state"].get("principal") if scope["type"] == "http" else None
        if principal is None:
            await self._app(scope, receive, send)
            return
        self._note(principal.tenant)
        spends = self._spending(scope)
        # In a thread: the first one to ask has the models loaded.
        waits = spends and await run_in_threadpool(self._waits)
        key = (principal.tenant, spends)
        share = self._shares.setdefault(key, Share(self._size_of(waits=waits), **self._limits))
        share.users += 1
        place = _Place(share, scope, receive, send, to_the_end=spends)
        try:
            if _brings_no_body(scope) and not await place.taken():
                return
            await self._app(scope, place.receive, place.send)
        finally:
            place.give_back()
            share.users -= 1
            if not share.users:
                del self._shares[key]

    def _note(self, tenant: str) -> None:
        if self._latest not in {None, tenant}:
            self._others_at = monotonic()
        self._latest = tenant

    def _size_of(self, *, waits: bool) -> Callable[[], int]:
        return (lambda: self._model_calls_at_once) if waits else self._computing_at_once

    def _computing_at_once(self) -> int:
        return self._beside_others if monotonic() - self._others_at < LATELY else self._at_once


def _brings_no_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers


class _Place:
    def __init__(self, share: Share, scope: Scope, receive: Receive, send: Send, *, to_the_end: bool) -> None:
        self._share = share
        self._scope = scope
        self._receive = receive
        self._send = send
        self._to_the_end = to_the_end
        self._held = False
        self._asked = False
        self._refused = False

    async def taken(self) -> bool:
        """False: there is none, and the client was told so."""
        self._asked = True
        try:
            await self._share.take()
        except TenantBusy as error:
            self._refused = True
            problem = problem_response(problem_of(error, request_id_of(self._scope)), retry_after(error))
            await problem(self._scope, self._receive, self._send)
            return False
        self._held = True
        return True

    async def receive(self) -> Message:
        message = await self._receive()
        complete = message["type"] == "http.request" and not message.get("more_body")
        if complete and not self._asked and not await self.taken():
            # Whoever reads the body would answer an error in its own way.
            return {"type": "http.disconnect"}
        return message

    async def send(self, message: Message) -> None:
        if self._refused:
            return
        if message["type"] == "http.response.start" and not self._to_the_end:
            self.give_back()
        await self._send(message)

    def give_back(self) -> None:
        if self._held:
            self._held = False
            self._share.give_back()
