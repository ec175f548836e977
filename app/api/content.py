"""A document's original bytes and its extracted text."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from app.api.deps import Services, ServicesDependency
from app.api.docs import problems
from app.api.documents import DocumentId
from app.api.new_document import UNKNOWN_MEDIA_TYPE
from app.api.routes import ApiRoute
from rag.domain.documents import Document, SourceKind
from rag.errors import DocumentNotFound
from rag.originals import Original, address, downloaded

router = APIRouter(tags=["documents"], route_class=ApiRoute)

CONTENT: dict[str, Any] = {
    "*/*": {"schema": {"type": "string", "format": "binary"}, "example": "Refunds are paid within 30 days."}
}
MOVED: dict[str, Any] = {
    "description": "The original lies in a bucket",
    "content": {},
    "headers": {"Location": {"description": "A presigned address", "schema": {"type": "string"}}},
}
_PIECE_BYTES = 1_000_000
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)


@router.get(
    "/v1/documents/{document_id}/content",
    summary="Download a document",
    description=(
        "The original bytes as an attachment; with `format=text` the extracted text, which the offsets of "
        "passages, chunks and citations index. On AWS the bytes are behind a redirect to an address that "
        "needs no credential and holds for 5 minutes: send none there."
    ),
    response_class=Response,
    responses={200: {"content": CONTENT}, 307: MOVED, **problems(404)},
)
def get_content(
    document_id: DocumentId,
    services: ServicesDependency,
    content_format: Annotated[Literal["original", "text"], Query(alias="format")] = "original",
) -> Response:
    if content_format == "text":
        text = services.store.documents.stored_text(document_id)
        headers = {"Content-Length": str(text.size)}
        return StreamingResponse(text.parts, media_type="text/plain", headers=headers)
    return _original(services, services.store.documents.get(document_id))


def _original(services: Services, document: Document) -> Response:
    if document.version == 0:
        raise DocumentNotFound(f"The document is {document.status}: it has no searchable version yet.")
    streamed = document.source_kind is SourceKind.KINESIS or document.parent_id is not None
    record = services.store.documents.record(document.id) if streamed else None
    # Not media_type=, which would claim UTF-8 for any text.
    content_type = _safe_media_type(document.media_type)
    disposition = _attachment(document.key.rpartition("/")[2])
    source = services.backend.source
    elsewhere = address(
        source, document.source_uri, record, content_type=content_type, disposition=disposition
    )
    if elsewhere is not None:
        return Response(
            status_code=307, headers={"Location": elsewhere, "Cache-Control": "private, no-store"}
        )
    stack = ExitStack()
    found = stack.enter_context(downloaded(source, document.source_uri, record))
    headers = {
        "Content-Type": content_type,
        "Content-Length": str(found.size),
        "Content-Disposition": disposition,
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(_pieces(found, stack), headers=headers)


def _pieces(found: Original, stack: ExitStack) -> Iterator[bytes]:
    """Closes the stack at the end."""
    with stack:
        found.file.seek(0)
        while piece := found.file.read(_PIECE_BYTES):
            yield piece


def _safe_media_type(media_type: str | None) -> str:
    return media_type if media_type and _MEDIA_TYPE.fullmatch(media_type) else UNKNOWN_MEDIA_TYPE


def _attachment(name: str) -> str:
    """An ASCII name for old clients, the true one as RFC 5987 spells it."""
    plain = re.sub(r'[^ -~]|["\\%]', "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
