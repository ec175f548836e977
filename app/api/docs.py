"""What the published OpenAPI document says beside what FastAPI derives."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.api.examples import PROBLEM
from app.api.problems import MEDIA_TYPE
from app.schemas.common import Problem

Responses = dict[int | str, dict[str, Any]]

REFERENCE = "#/components/schemas/{model}"
ALWAYS = (422, 429, 500, 503)
WITH_BODY = (400, 409, 413, 415)
IDEMPOTENT = (
    "Send an `Idempotency-Key` header (1 to 255 visible ASCII characters) to make a repetition safe: for 24 "
    "hours the first response is given again, with `Idempotency-Replayed: true`. The same key with another "
    "request is 422."
)
DESCRIPTION = """
Documents in, cited answers out.

Errors are `application/problem+json` (RFC 9457): `code` is stable, `detail` says what to change, `errors`
point at the fields. Send `X-Request-Id` to find a request in the logs; every response carries one.
"""

# Of one event, in the words of OpenAPI 3.2, as FastAPI describes its own event streams.
_EVENT = {
    "type": "object",
    "properties": {
        "event": {"type": "string"},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
    "required": ["event", "data"],
}
_HEADERS = {"X-Request-Id": {"description": "The id of this request", "schema": {"type": "string"}}}
_LOCATION = {"Location": {"description": "The path of what was created", "schema": {"type": "string"}}}
_CHALLENGE = {"description": "How to authenticate (RFC 6750)", "schema": {"type": "string"}}
_CHALLENGED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "string"}}}


def success(status: int, example: Any, *, stream: str | None = None, location: bool = False) -> Responses:
    content: dict[str, Any] = {"application/json": {"example": example}}
    if stream is not None:
        content["text/event-stream"] = {"itemSchema": _EVENT, "example": stream}
    headers = {**_HEADERS, **(_LOCATION if location else {})}
    return {status: {"content": content, "headers": headers}}


def problems(*statuses: int, body: bool = False) -> Responses:
    """The error responses of an operation; those that every operation has are added."""
    listed = sorted({*statuses, *ALWAYS, *(WITH_BODY if body else ())})
    return {status: problem_response_of(status) for status in listed}


def problem_response_of(status: int) -> dict[str, Any]:
    example = {**PROBLEM, "status": status} if status == HTTPStatus.NOT_FOUND else None
    content = {
        "schema": {"$ref": REFERENCE.format(model="Problem")},
        **({"example": example} if example else {}),
    }
    challenge = {"WWW-Authenticate": _CHALLENGE} if status in _CHALLENGED else {}
    retried = status in {HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
    return {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: content},
        "headers": {**_HEADERS, **(_RETRY_AFTER if retried else {}), **challenge},
    }


def install(
    app: FastAPI, extra_schemas: Mapping[str, Any], complete: Callable[[dict[str, Any]], None]
) -> None:
    """Adds to the derived document the schemas that only hand-written parts of it refer to.

    `complete` adds what else there is to say.
    """

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                openapi_version=app.openapi_version,
                description=app.description,
                routes=app.routes,
                tags=app.openapi_tags,
            )
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            schemas.update(_definitions(Problem.model_json_schema(ref_template=REFERENCE), "Problem"))
            for name, schema in extra_schemas.items():
                schemas.update(_definitions(schema, name))
            complete(document)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI documents this way to extend it


def _definitions(schema: dict[str, Any], name: str) -> dict[str, Any]:
    definitions: dict[str, Any] = schema.pop("$defs", {})
    return {**definitions, name: schema}
