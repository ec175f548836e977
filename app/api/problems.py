"""Errors as application/problem+json (RFC 9457); the one table of error class to HTTP status."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import compile_path

from app.api.request_id import request_id_of
from app.api.security_headers import SECURITY_HEADERS
from app.json_values import escape_pointer
from app.schemas.common import FieldProblem, Problem
from rag import errors
from rag.storage import storage_error
from rag.telemetry import logger, without_secrets

MEDIA_TYPE = "application/problem+json"

STATUS: Mapping[type[errors.AcervoError], int] = {
    errors.AcervoError: 500,
    errors.InvalidRequest: 422,
    errors.GenerativeModelRequired: 409,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Unauthenticated: 401,
    errors.InsufficientScope: 403,
    errors.DocumentRejected: 422,
    errors.UnsupportedMediaType: 415,
    errors.DocumentTooLarge: 413,
    errors.Unavailable: 503,
    errors.InsufficientStorage: 507,
    errors.RateLimited: 429,
    errors.RequestInProgress: 409,
    errors.TenantBusy: 429,
    errors.TokenBudgetExhausted: 429,
    errors.Throttled: 429,
    errors.ModelResponseInvalid: 502,
    errors.SetupError: 500,
}

# What the framework itself refuses.
CODES: Mapping[int, str] = {
    400: "malformed_request",
    403: "origin_not_allowed",
    404: "route_not_found",
    405: "method_not_allowed",
    408: "request_too_slow",
    413: "body_too_large",
    415: "unsupported_media_type",
    431: "headers_too_large",
    503: errors.Overloaded.code,
}


def status_of(error: errors.AcervoError) -> int:
    return next(STATUS[cls] for cls in type(error).__mro__ if cls in STATUS)


def problem_of(error: errors.AcervoError, request_id: str) -> Problem:
    """What a client is told; where the fault is not the client's, only the kind of error."""
    status = status_of(error)
    sentence = (type(error).__doc__ or "").splitlines()[0]
    the_clients_fault = status < HTTPStatus.INTERNAL_SERVER_ERROR and not error.retryable
    pointer = error.pointer if isinstance(error, errors.InvalidRequest) else ""
    return _problem(
        status,
        error.code,
        title=sentence,
        detail=error.detail if the_clients_fault else sentence,
        request_id=request_id,
        fields=[FieldProblem(pointer=pointer, detail=error.detail)] if pointer else None,
    )


def internal_problem(request_id: str) -> Problem:
    return _problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal_error",
        title="Something went wrong that Acervo does not know by name.",
        detail="The server's log tells more under this request id.",
        request_id=request_id,
    )


def framework_problem(status: int, detail: str, request_id: str) -> Problem:
    phrase = HTTPStatus(status).phrase
    return _problem(
        status, CODES.get(status, "http_error"), title=f"{phrase}.", detail=detail, request_id=request_id
    )


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    content = problem.model_dump_json(exclude_none=True)
    headers = {**SECURITY_HEADERS, **(headers or {})}
    return Response(content, status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)


def retry_after(error: errors.AcervoError) -> dict[str, str]:
    if not isinstance(error, errors.Unavailable):
        return {}
    return {"Retry-After": str(error.retry_after_seconds)}


def install(app: FastAPI) -> None:
    """Every error of a route becomes a problem."""
    app.add_exception_handler(errors.AcervoError, _on_acervo_error)
    app.add_exception_handler(OSError, _on_os_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)


def _problem(
    status: int,
    code: str,
    *,
    title: str,
    detail: str,
    request_id: str,
    fields: list[FieldProblem] | None = None,
) -> Problem:
    return Problem(
        type=f"urn:acervo:problem:{code}",
        title=title,
        status=status,
        detail=detail,
        code=code,
        request_id=request_id,
        errors=fields,
    )


async def _on_acervo_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, errors.AcervoError):
        raise error
    request_id = request_id_of(request.scope)
    if status_of(error) >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("request %s: %s: %s", request_id, error.code, error)
    return problem_response(problem_of(error, request_id), retry_after(error))


async def _on_os_error(request: Request, error: Exception) -> Response:
    """Of originals and temporary files, wherever they are written."""
    found = storage_error(error)
    if found is None:
        raise error
    return await _on_acervo_error(request, found)


async def _on_validation_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    fields = [_field_problem(found) for found in error.errors()]
    listed = "; ".join(f"{field.pointer or 'body'}: {field.detail}" for field in fields[:5])
    problem = _problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        errors.InvalidRequest.code,
        title="The request cannot be honoured as it is.",
        detail=listed,
        request_id=request_id_of(request.scope),
        fields=fields,
    )
    return problem_response(problem)


def _field_problem(found: Mapping[str, Any]) -> FieldProblem:
    detail = str(found["msg"]).removeprefix("Value error, ")
    return FieldProblem(pointer=pointer_of(found["loc"]), detail=detail)


def pointer_of(location: Sequence[str | int]) -> str:
    """A validation location, whose first part says body, query, path or header, as a JSON pointer."""
    return "".join(f"/{escape_pointer(str(part))}" for part in location[1:])


async def _on_http_exception(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_allowed_methods(request)) or headers.get("Allow", "GET")
    path = without_secrets(request.url.path)
    detail = f"There is no {path}." if error.detail == "Not Found" else str(error.detail)
    problem = framework_problem(error.status_code, detail, request_id_of(request.scope))
    return problem_response(problem, headers)


def _allowed_methods(request: Request) -> list[str]:
    """Starlette names only those of the first route on the path."""
    paths: Mapping[str, Mapping[str, Any]] = request.app.openapi()["paths"]
    on_path = (item for path, item in paths.items() if compile_path(path)[0].match(request.url.path))
    return sorted({method.upper() for item in on_path for method in item})
