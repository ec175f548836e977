"""How many of a tenant's requests are worked on at once: no one tenant takes the whole server."""

import asyncio
from collections import deque
from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import problem_of, problem_response, retry_after
from app.api.request_id import request_id_of
from rag.errors import TenantBusy

if TYPE_CHECKING:
    from rag.domain.credentials import Principal

# A third of the pool's connections. Two cores are busy with fewer, so one tenant alone loses nothing.
AT_ONCE = 4
# Requests that call models: most of their time they wait for one.
MODEL_CALLS_AT_ONCE = 32
MOST_WAITING = 256
WAIT_SECONDS = 10.0


class Share:
    """One tenant's places, given in the order of asking. Belongs to the event loop's thread."""

    def __init__(self, at_once: int, *, most_waiting: int, seconds: float) -> None:
        self._free = at_once
        self._most_waiting = most_waiting
        self._seconds = seconds
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.users = 0

    async def take(self) -> None:
        """Raises TenantBusy where too many wait, or where the wait is too long."""
        if self._free and not self._waiting:
            self._free -= 1
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
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._free += 1

    def _forget(self, place: asyncio.Future[None]) -> None:
        if place.cancelled():
            self._waiting.remove(place)
        else:  # given just now, and not to be lost
            self.give_back()


class TenantShares:
    """A request takes its place when all of its body is there, and gives it back with its answer's beginning.

    So a slow upload and a slow reader hold none. The middleware that admits requests runs before it.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        spending: Callable[[Scope], bool],
        at_once: int = AT_ONCE,
        model_calls_at_once: int = MODEL_CALLS_AT_ONCE,
        most_waiting: int = MOST_WAITING,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._app = app
        self._spending = spending
        self._sizes = {False: at_once, True: model_calls_at_once}
        self._limits: dict[str, Any] = {"most_waiting": most_waiting, "seconds": wait_seconds}
        self._shares: MutableMapping[tuple[str, bool], Share] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        principal: Principal | None = scope["state"].get("principal") if scope["type"] == "http" else None
        if principal is None:
            await self._app(scope, receive, send)
            return
        key = (principal.tenant, self._spending(scope))
        share = self._shares.setdefault(key, Share(self._sizes[key[1]], **self._limits))
        share.users += 1
        place = _Place(share, scope, receive, send)
        try:
            if _brings_no_body(scope) and not await place.taken():
                return
            await self._app(scope, place.receive, place.send)
        finally:
            place.give_back()
            share.users -= 1
            if not share.users:
                del self._shares[key]


def _brings_no_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers


class _Place:
    def __init__(self, share: Share, scope: Scope, receive: Receive, send: Send) -> None:
        self._share = share
        self._scope = scope
        self._receive = receive
        self._send = send
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
        if message["type"] == "http.response.start":
            self.give_back()
        await self._send(message)

    def give_back(self) -> None:
        if self._held:
            self._held = False
            self._share.give_back()
