"""Bodies beyond the limit end as 413 before anything reads them whole."""

import asyncio
import re
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import framework_problem, problem_response
from app.api.request_id import request_id_of
from rag.domain.uploads import UPLOADS_PATH

MEGABYTE = 1_000_000
DOCUMENTS_PATH = re.compile(r"/v1/collections/[^/]+/documents")
UPLOAD_PATH = re.compile(re.escape(UPLOADS_PATH) + "[^/]+")
# A response to a client that still sends is lost when the connection closes: read on, up to here.
MAX_DRAINED_BYTES = 256 * MEGABYTE
# Who sends nothing for so long waits for its answer.
QUIET_SECONDS = 1.0

LimitOf = Callable[[str], int]


def body_limits(max_document_bytes: int) -> LimitOf:
    """The limit of a path in bytes: base64 makes four of three."""
    document_limit = max_document_bytes * 4 // 3 + MEGABYTE

    def limit_of(path: str) -> int:
        if UPLOAD_PATH.fullmatch(path):
            return max_document_bytes
        return document_limit if DOCUMENTS_PATH.fullmatch(path) else MEGABYTE

    return limit_of


class BodyLimit:
    """Content-Length is checked first; bytes are counted too, since they may come without it."""

    def __init__(self, app: ASGIApp, limit_of: LimitOf) -> None:
        self._app = app
        self._limit_of = limit_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limit_of(scope["path"])
        headers = Headers(scope=scope)
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > limit:
            if headers.get("expect", "").lower() != "100-continue":
                await drain(receive)
            detail = _detail(limit)
            response = problem_response(framework_problem(413, detail, request_id_of(scope)))
            await response(scope, receive, send)
            return
        await self._app(scope, _counted(receive, limit), send)


def _counted(receive: Receive, limit: int) -> Receive:
    received = 0

    async def counting_receive() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            if message.get("more_body", False):
                await drain(receive)
            raise HTTPException(413, _detail(limit))
        return message

    return counting_receive


async def drain(receive: Receive) -> None:
    """Reads what the client still sends, so that it sees its response."""
    drained = 0
    while drained < MAX_DRAINED_BYTES:
        try:
            async with asyncio.timeout(QUIET_SECONDS):
                message = await receive()
        except TimeoutError:
            return
        drained += len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return


def _detail(limit: int) -> str:
    return f"The body is larger than the {limit} bytes that are accepted here."
