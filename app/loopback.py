"""Refuses what a browser sends to this machine on behalf of another site."""

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.problems import framework_problem, problem_response
from app.api.request_id import HEADER
from rag.domain.ids import new_id


class LoopbackGuard:
    """Local mode asks for no credentials: a page on the internet could otherwise post to it.

    The Host must be this machine (against DNS rebinding). The Origin must be this server or one of `origins`:
    another page of this machine may not post forms either, for which no browser asks first.
    """

    def __init__(self, app: ASGIApp, *, origins: Collection[str]) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (refused := self._refusal(Request(scope))) is None:
            await self._app(scope, receive, send)
            return
        # Outside of the application: nobody has given this request an id yet.
        problem = framework_problem(403, refused, new_id("req"))
        await problem_response(problem, {HEADER: problem.request_id})(scope, receive, send)

    def _refusal(self, request: Request) -> str | None:
        if not _is_loopback(f"//{request.headers.get('host', '')}"):
            return "Local mode answers only to requests for this machine, by its loopback name or address."
        origin = request.headers.get("origin")
        if origin and origin not in self._origins and not _is_same(origin, request.headers["host"]):
            return f"The origin {origin} is not allowed; add it to ACERVO_CORS_ORIGINS."
        return None


def _is_same(origin: str, host: str) -> bool:
    return origin.lower() in {f"http://{host.lower()}", f"https://{host.lower()}"}


def _is_loopback(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
