"""Every request is admitted before anything reads it; the one table of operation to scope."""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute, APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from app.api.docs import problem_response_of
from app.api.limits import drain
from app.api.problems import problem_of, problem_response, retry_after, status_of
from app.api.request_id import request_id_of
from app.auth import Gatekeeper
from rag.domain.credentials import Principal, Scope
from rag.errors import AcervoError, InsufficientScope, Unauthenticated
from rag.telemetry import bound, logger

# By the names of the routes. A route that is missing here stops the server from starting.
SCOPES: Mapping[str, Scope | None] = {
    "list_collections": Scope.READ,
    "create_collection": Scope.WRITE,
    "get_collection": Scope.READ,
    "update_collection": Scope.WRITE,
    "delete_collection": Scope.ADMIN,
    "create_document": Scope.WRITE,
    "list_documents": Scope.READ,
    "get_document": Scope.READ,
    "delete_document": Scope.WRITE,
    "update_document": Scope.WRITE,
    "list_chunks": Scope.READ,
    "list_history": Scope.READ,
    "retry_document": Scope.WRITE,
    "get_content": Scope.READ,
    "create_upload": Scope.WRITE,
    "search": Scope.READ,
    "explain_search": Scope.READ,
    "create_answer": Scope.READ,
    "get_answer": Scope.READ,
    "give_feedback": Scope.READ,
    "create_summary": Scope.READ,
    "create_generation": Scope.READ,
    "list_conversations": Scope.READ,
    "get_conversation": Scope.READ,
    "delete_conversation": Scope.WRITE,
    "list_models": Scope.READ,
    # Public: they tell nothing of any tenant, or their address is signed.
    "healthz": None,
    "readyz": None,
    "receive_upload": None,
}
SPENDS_TOKENS = frozenset({"create_answer", "create_summary", "create_generation"})
_DOCUMENTATION = re.compile(r"/openapi\.json|/docs(/[a-z.-]+)?")

SCHEME = "bearer"
SECURITY_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key of `acervo keys create`, or a token of the configured issuer. Local mode asks "
    "for none on this machine until a key exists.",
}


@dataclass(frozen=True, kw_only=True)
class Operation:
    """`scope` None: public."""

    scope: Scope | None
    spends_tokens: bool = False


PUBLIC = Operation(scope=None)
# Whether there is such a route is nobody's business without a credential.
UNKNOWN = Operation(scope=Scope.READ)


class Operations:
    """Which operation a request asks for."""

    def __init__(self, routers: Iterable[APIRouter]) -> None:
        routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
        self._table = [
            (
                route.path_regex,
                frozenset(route.methods or ()),
                Operation(scope=SCOPES[route.name], spends_tokens=route.name in SPENDS_TOKENS),
            )
            for route in routes
        ]

    def of(self, method: str, path: str) -> Operation:
        if _DOCUMENTATION.fullmatch(path):
            return PUBLIC
        for pattern, methods, operation in self._table:
            if method in methods and pattern.match(path):
                return operation
        return UNKNOWN

    def spends_tokens(self, scope: AsgiScope) -> bool:
        return self.of(scope["method"], _route_path(scope)).spends_tokens


class Credentials:
    """The innermost of the middleware: refusals have a request id and CORS headers as all answers have."""

    def __init__(self, app: ASGIApp, *, gatekeeper: Gatekeeper, operations: Operations) -> None:
        self._app = app
        self._gatekeeper = gatekeeper
        self._operations = operations

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        operation = self._operations.of(scope["method"], _route_path(scope))
        if operation.scope is None:
            await self._app(scope, receive, send)
            return
        try:
            principal = await self._admitted(scope, operation, operation.scope)
        except AcervoError as error:
            await _refuse(error, scope, receive, send)
            return
        scope["state"]["principal"] = principal
        with bound(tenant=principal.tenant):
            await self._app(scope, receive, send)

    async def _admitted(self, request: AsgiScope, operation: Operation, scope: Scope) -> Principal:
        authorization = Headers(scope=request).get("authorization")
        spends = operation.spends_tokens
        at_once = self._gatekeeper.admitted_at_once(authorization, spends_tokens=spends)
        if at_once is not None:
            return at_once
        # Otherwise the database is asked, from a thread that may wait.
        return await run_in_threadpool(
            lambda: self._gatekeeper.admit(authorization, scope=scope, spends_tokens=spends)
        )


def _route_path(scope: AsgiScope) -> str:
    """As the router sees it."""
    root: str = scope.get("root_path", "")
    path: str = scope["path"]
    return path.removeprefix(root) if path.startswith(f"{root}/") else path


async def _refuse(error: AcervoError, scope: AsgiScope, receive: Receive, send: Send) -> None:
    request_id = request_id_of(scope)
    if status_of(error) >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("request %s: %s: %s", request_id, error.code, error)
    if Headers(scope=scope).get("expect", "").lower() != "100-continue":
        with suppress(HTTPException):  # beyond what is accepted: enough was read
            await drain(receive)
    response = problem_response(
        problem_of(error, request_id), {**retry_after(error), **_challenge(error, scope)}
    )
    await response(scope, receive, send)


def _challenge(error: AcervoError, scope: AsgiScope) -> dict[str, str]:
    """RFC 6750."""
    if isinstance(error, InsufficientScope):
        return {
            "WWW-Authenticate": f'Bearer realm="acervo", error="insufficient_scope", scope="{error.scope}"'
        }
    if not isinstance(error, Unauthenticated):
        return {}
    came = "authorization" in Headers(scope=scope)
    return {"WWW-Authenticate": 'Bearer realm="acervo"' + (', error="invalid_token"' if came else "")}


def principal_of(request: Request) -> Principal | None:
    """Who was admitted; None: nobody had to be, the operation is public."""
    principal: Principal | None = request.scope["state"].get("principal")
    scope = SCOPES[request.scope["route"].name]
    if scope is not None and (principal is None or not principal.may(scope)):
        raise RuntimeError("the router found another route than the one the request was admitted for")
    return principal


def describe(document: dict[str, Any]) -> None:
    """Says in the OpenAPI document what each operation asks for."""
    document["components"]["securitySchemes"] = {SCHEME: SECURITY_SCHEME}
    for item in document["paths"].values():
        for operation in item.values():
            scope = SCOPES[operation["operationId"]]
            operation["security"] = [] if scope is None else [{SCHEME: [scope]}]
            if scope is not None:
                operation["responses"] |= {str(status): problem_response_of(status) for status in (401, 403)}
