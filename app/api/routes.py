"""Routes that accept strict JSON and known query parameters only, and POSTs that are done once."""

import hashlib
import json
import math
import re
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel
from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from app.api.deps import services_of
from app.api.json_shape import check_shape
from app.api.sse import EventStream
from rag.errors import InvalidRequest

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

IDEMPOTENCY_KEY = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS = ("content-type", "location")


class StrictRequest(Request):
    """JSON as RFC 8259 has it: UTF-8, no NaN, no numbers beyond a double."""

    async def json(self) -> Any:
        """Raises HTTPException 400 and 415."""
        if not hasattr(self, "_document"):
            body = await self.body()
            if body:
                self._expect_json()
            self._document = parse_json(body)
        return self._document

    def _expect_json(self) -> None:
        if content_type_of(self)[0] != "application/json":
            raise HTTPException(415, "The body must be JSON: send Content-Type: application/json.")
        if self.headers.get("content-encoding", "identity") != "identity":
            raise HTTPException(415, "A compressed body is not accepted.")


def content_type_of(request: Request) -> tuple[str, str]:
    """The lower-case media type and, of a multipart body, the boundary."""
    media_type, options = parse_options_header(request.headers.get("content-type"))
    return media_type.decode("latin-1").lower(), options.get(b"boundary", b"").decode("latin-1")


def parse_json(body: bytes) -> Any:
    check_shape(body)
    try:
        return json.loads(body.decode(), parse_constant=_refuse_number, parse_float=_finite)
    except RecursionError as error:
        raise HTTPException(400, "The body is nested too deeply.") from error
    except ValueError as error:  # of decoding, of JSON, of an integer with thousands of digits
        raise HTTPException(400, "The body is not JSON in UTF-8.") from error


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse_number(text)


def _refuse_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number that JSON can carry")


class ApiRoute(APIRoute):
    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        known = frozenset(self._query_names())
        reads_json = self.body_field is not None

        async def handle_strictly(request: Request) -> Response:
            _check_query(request, known)
            strict = as_strict(request)
            if reads_json and await strict.body():
                await strict.json()
            return await handle(strict)

        return handle_strictly

    def _query_names(self) -> list[str]:
        names: list[str] = []
        for parameter in self.dependant.query_params:
            model = parameter.field_info.annotation
            if isinstance(model, type) and issubclass(model, BaseModel):
                names += model.model_fields
            else:
                names.append(parameter.alias)
        return names


def as_strict(request: Request) -> StrictRequest:
    if isinstance(request, StrictRequest):
        return request
    return StrictRequest(request.scope, request.receive)


def _check_query(request: Request, known: frozenset[str]) -> None:
    names = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if name not in known:
            raise InvalidRequest(f"There is no query parameter {name!r} here.", pointer=f"/{name}")
        if names.count(name) > 1:
            raise InvalidRequest(f"The query parameter {name!r} stands more than once.", pointer=f"/{name}")


class IdempotentRoute(ApiRoute):
    """A POST with an Idempotency-Key is done once; for 24 hours its first response is given again.

    What failed is not kept, and neither are streams.
    """

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        if "POST" not in (self.methods or ()):
            return handle

        async def handle_once(request: Request) -> Response:
            key = request.headers.get(IDEMPOTENCY_KEY)
            if key is None:
                return await handle(request)
            if _KEY.fullmatch(key) is None:
                raise InvalidRequest(
                    "An Idempotency-Key has 1 to 255 visible ASCII characters.",
                    pointer=f"/{IDEMPOTENCY_KEY}",
                )
            return await _once(as_strict(request), key, handle)

        return handle_once


async def _once(request: StrictRequest, key: str, handle: Handler) -> Response:
    idempotency = (await run_in_threadpool(lambda: services_of(request).store)).idempotency
    stored = await run_in_threadpool(idempotency.begin, key, await _fingerprint(request))
    if stored is not None:
        status, headers, body = stored
        return Response(body, status, {**headers, "Idempotency-Replayed": "true"})
    finished = False
    try:
        response = await handle(request)
        if not isinstance(response, EventStream):
            kept = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
            await run_in_threadpool(idempotency.finish, key, response.status_code, kept, bytes(response.body))
            finished = True
        return response
    finally:
        if not finished:
            await run_in_threadpool(idempotency.abandon, key)


async def _fingerprint(request: Request) -> str:
    """Of method, path and body; a multipart boundary is drawn anew each time and left out."""
    media_type, boundary = content_type_of(request)
    body = await request.body()
    if boundary:
        body = body.replace(boundary.encode("latin-1"), b"")
    digest = hashlib.sha256(f"{request.method} {request.url.path} {media_type}\n".encode())
    digest.update(body)
    return digest.hexdigest()
