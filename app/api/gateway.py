"""What API Gateway puts around the application: a stage or base path, a request id, a trace."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.request_id import HEADER
from rag.telemetry import bound

# Lambda Web Adapter writes the event's requestContext here, over what a client may have sent.
_ADAPTER_HEADER = "x-amzn-request-context"
_TRACE_HEADER = "x-amzn-trace-id"
# The domain that every API has by itself.
_OWN_DOMAIN = ".execute-api."


class Gateway:
    """The application sees its own paths; clients are sent back to those with the stage before them.

    `base_path` stands in its place where a domain of one's own is asked. A request without an id of its
    client's gets that of API Gateway, which its access log holds too.
    """

    def __init__(self, app: ASGIApp, base_path: str = "") -> None:
        self._app = app
        self._base_path = base_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = _request_context(scope)
        if scope["type"] != "http" or context is None:
            await self._app(scope, receive, send)
            return
        prefix, path = _placed(context, scope["path"], self._base_path)
        # Starlette takes a root path off the paths that begin with it: not off /v1/… in a stage called v1.
        root_path = "" if path.startswith(f"{prefix}/") else prefix
        inner = {**scope, "path": path, "root_path": root_path}
        inner["headers"] = _with_request_id(scope, str(context.get("requestId", "")))
        with bound(trace_id=Headers(scope=scope).get(_TRACE_HEADER, "")):
            await self._app(inner, receive, _sending_back_to(prefix, send))


def _request_context(scope: Scope) -> Mapping[str, Any] | None:
    """Mangum has the event; Lambda Web Adapter a header. None: whoever called is neither."""
    if event := scope.get("aws.event"):
        context: Mapping[str, Any] = event["requestContext"]
        return context
    if scope["type"] != "http" or not (text := Headers(scope=scope).get(_ADAPTER_HEADER)):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _placed(context: Mapping[str, Any], path: str, base_path: str) -> tuple[str, str]:
    """What clients see before the application's paths, and this request's own path.

    A REST API's `path` lacks the stage that its context has; an HTTP API's has any stage but $default, in
    both formats. Where a domain is mapped to a stage, clients see the mapping's base path in its place; a
    REST API and format 1.0 pass it on, format 2.0 does not.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    stage = f"/{context.get('stage', '')}"
    if _OWN_DOMAIN not in str(context.get("domainName", _OWN_DOMAIN)):
        own = _without(base_path, path)
        return base_path, own if "path" in context else _without(stage, own)
    whole = unquote(str(context.get("path", path)))
    own = _without(stage, path) if path == whole else path
    return (stage if whole == stage + own else ""), own


def _without(prefix: str, path: str) -> str:
    return path.removeprefix(prefix) if path.startswith(f"{prefix}/") else path


def _with_request_id(scope: Scope, request_id: str) -> list[tuple[bytes, bytes]]:
    headers = [(bytes(name), bytes(value)) for name, value in scope["headers"]]
    if request_id and HEADER not in Headers(scope=scope):
        # HTTP APIs pad theirs with =, which no id of ours may hold.
        headers.append((HEADER.lower().encode(), request_id.rstrip("=").encode("latin-1", "replace")))
    return headers


def _sending_back_to(prefix: str, send: Send) -> Send:
    async def sending(message: Message) -> None:
        if prefix and message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if headers.get("location", "").startswith("/"):
                headers["location"] = prefix + headers["location"]
        await send(message)

    return sending
