"""Large files: granted here, sent past the API on AWS, and to an address of this server elsewhere."""

from contextlib import suppress
from dataclasses import replace
from tempfile import TemporaryFile
from typing import Annotated, Any, BinaryIO
from urllib.parse import urljoin

from fastapi import APIRouter, Path, Request, Response
from starlette.concurrency import run_in_threadpool

from app.api import examples
from app.api.deps import Services, ServicesDependency
from app.api.docs import problems, success
from app.api.documents import ACCEPTED, CollectionPath, refuse_foreign_key
from app.api.routes import ApiRoute, content_type_of
from app.auth import key_fingerprint
from app.schemas.common import Text
from app.schemas.documents import Document
from app.schemas.uploads import UploadCreate, UploadGrant
from rag.domain.documents import Attributes
from rag.domain.keys import validate_key
from rag.domain.uploads import UPLOADS_PATH, Upload
from rag.errors import (
    DocumentNotFound,
    DocumentTooLarge,
    InvalidRequest,
    SourceObjectNotFound,
    UnsupportedMediaType,
    UploadNotFound,
)

router = APIRouter(tags=["documents"], route_class=ApiRoute)

BYTES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post(
    "/v1/collections/{name}/uploads",
    status_code=201,
    summary="Prepare an upload",
    description=(
        "For files too large for a request to the API. The answer says where to send exactly that many bytes "
        "of exactly that type within 15 minutes: on AWS a form to the bucket, locally one PUT to this server,"
        " while the API key that asked for it is valid. "
        "The document is then queued as any other; list the collection by `key_prefix` to follow it. "
        "The title and the metadata of a document that has the key already stay."
    ),
    responses={**success(201, examples.UPLOAD_GRANT), **problems(404, 409, body=True)},
)
def create_upload(
    name: CollectionPath, body: UploadCreate, services: ServicesDependency, request: Request
) -> UploadGrant:
    services.store.collections.get(name)
    if body.size > services.max_document_bytes:
        raise DocumentTooLarge(f"At most {services.max_document_bytes} bytes are accepted.")
    key = validate_key(body.key)
    refuse_foreign_key(services, name, key)
    upload = Upload(
        tenant=services.tenant,
        collection=name,
        key=key,
        media_type=body.media_type,
        size=body.size,
        api_key=key_fingerprint(request.headers.get("authorization")),
    )
    grant = services.backend.source.grant_upload(upload)
    return UploadGrant.of(replace(grant, url=urljoin(str(request.base_url), grant.url)))


@router.put(
    UPLOADS_PATH + "{token}",
    status_code=202,
    summary="Send an upload",
    description=(
        "The address, which is its own credential, comes from the preparation. The bytes must be as many and "
        "of the type as announced there."
    ),
    responses={**ACCEPTED, **problems(404, 409, 413, 415)},
    openapi_extra=BYTES,
)
async def receive_upload(
    token: Annotated[Text, Path(description="What the address ends in", examples=["eyJ0"])],
    services: ServicesDependency,
    request: Request,
    response: Response,
) -> Document:
    upload = await run_in_threadpool(_granted, services, token)
    if content_type_of(request)[0] != upload.media_type.lower():
        raise UnsupportedMediaType(f"This upload was announced as {upload.media_type}.")
    with TemporaryFile() as file:
        await _receive(request, file, upload.size)
        document = await run_in_threadpool(
            _accept, replace(services, tenant=upload.tenant), upload, file, token
        )
    response.headers["Location"] = f"/v1/documents/{document.id}"
    return document


def _granted(services: Services, token: str) -> Upload:
    """A grant ends with the API key that asked for it. Raises UploadNotFound."""
    upload = services.backend.source.granted_upload(token)
    credentials = services.backend.store.credentials
    if upload.api_key and credentials.admit_key(upload.api_key, spends_tokens=False) is None:
        raise UploadNotFound("The API key that asked for this upload was revoked.")
    return upload


async def _receive(request: Request, file: BinaryIO, size: int) -> None:
    """To the disk, not further than announced; the rest is read, so that the client sees its answer."""
    received = 0
    async for piece in request.stream():
        received += len(piece)
        if received <= size:
            await run_in_threadpool(file.write, piece)
    if received > size:
        raise DocumentTooLarge(f"This upload was announced with {size} bytes.")
    if received < size:
        raise InvalidRequest(f"This upload was announced with {size} bytes, and {received} came.")


def _known_attributes(services: Services, upload: Upload) -> Attributes:
    """Title and metadata stay, as they do where the bytes go into a bucket."""
    with suppress(DocumentNotFound, SourceObjectNotFound):
        document = services.store.documents.find(upload.collection, upload.key)
        return services.backend.source.fetch(document.source_uri).attributes
    return Attributes()


def _accept(services: Services, upload: Upload, file: BinaryIO, token: str) -> Document:
    store = services.store
    collection = store.collections.get(upload.collection)
    refuse_foreign_key(services, upload.collection, upload.key)
    file.seek(0)
    attributes = replace(_known_attributes(services, upload), media_type=upload.media_type)
    services.backend.source.redeem_upload(token)
    event = services.backend.source.put(upload.tenant, upload.collection, upload.key, file, attributes)
    document = store.ledger.accept(event, collection) or store.documents.find(collection.name, upload.key)
    return Document.from_domain(document)
