"""Documents: writing them, and what is known of them."""

from contextlib import suppress
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from app.api import examples
from app.api.deps import Services, ServicesDependency
from app.api.docs import IDEMPOTENT, REFERENCE, Responses, problems, success
from app.api.new_document import ReceivedDependency
from app.api.routes import IdempotentRoute
from app.schemas.common import Identifier, ListResponse, PageQuery
from app.schemas.documents import Chunk, Document, DocumentQuery, DocumentUpdate, HistoryEntry
from rag.domain.documents import Document as DomainDocument
from rag.domain.documents import SourceKind
from rag.errors import ConflictingSource, DocumentNotFound

router = APIRouter(tags=["documents"], route_class=IdempotentRoute)

CollectionPath = Annotated[Identifier, Path(description="The collection's name", examples=["handbook"])]
DocumentId = Annotated[
    Identifier, Path(description="The document's id", examples=["doc_01jv1q2m3n4p5q6r7s8t9vwxyz"])
]

ACCEPTED: Responses = success(202, examples.DOCUMENT, location=True)
UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": REFERENCE.format(model="DocumentCreate")}},
            "multipart/form-data": {
                "schema": {"$ref": REFERENCE.format(model="DocumentForm")},
                "encoding": {"metadata": {"contentType": "application/json"}},
            },
        },
    }
}


@router.post(
    "/v1/collections/{name}/documents",
    status_code=202,
    summary="Write a document",
    description=(
        "Stores the bytes and queues them: poll the document until its status is ready or failed. The same "
        f"key again is a new version; the one before stays searchable until then. {IDEMPOTENT}"
    ),
    responses={**ACCEPTED, **problems(404, 409, body=True)},
    openapi_extra=UPLOAD,
)
def create_document(
    name: CollectionPath, received: ReceivedDependency, services: ServicesDependency, response: Response
) -> Document:
    store = services.store
    collection = store.collections.get(name)
    new = received.new_document(services.max_document_bytes)
    refuse_foreign_key(services, name, new.key)
    event = services.backend.source.put(services.tenant, name, new.key, new.body, new.attributes)
    document = store.ledger.accept(event, collection) or store.documents.find(name, new.key)
    response.headers["Location"] = f"/v1/documents/{document.id}"
    return Document.from_domain(document)


@router.get(
    "/v1/collections/{name}/documents",
    summary="List the documents of a collection",
    description="Oldest first; `status` and `key_prefix` narrow the list.",
    responses={**success(200, examples.page_of(examples.DOCUMENT)), **problems(404)},
)
def list_documents(
    name: CollectionPath, query: Annotated[DocumentQuery, Query()], services: ServicesDependency
) -> ListResponse[Document]:
    page = services.store.documents.list(
        name, query.page(), status=query.wanted_status(), key_prefix=query.key_prefix
    )
    return ListResponse[Document].from_page(page, Document.from_domain)


@router.get(
    "/v1/documents/{document_id}",
    summary="Get a document",
    description="Its status tells how far the newest version is; `version` is the searchable one.",
    responses={**success(200, examples.DOCUMENT), **problems(404)},
)
def get_document(document_id: DocumentId, services: ServicesDependency) -> Document:
    return Document.from_domain(services.store.documents.get(document_id))


@router.delete(
    "/v1/documents/{document_id}",
    status_code=202,
    summary="Delete a document",
    description="It is out of every search at once; the write path then erases every trace.",
    responses={**success(202, examples.DOCUMENT), **problems(404, 409)},
)
def delete_document(document_id: DocumentId, services: ServicesDependency) -> Document:
    store = services.store
    document = _refuse_streamed(store.documents.get(document_id))
    event = services.backend.source.remove(services.tenant, document.collection, document.key)
    deleting = store.ledger.accept(event, store.collections.get(document.collection))
    return Document.from_domain(deleting or document)


@router.patch(
    "/v1/documents/{document_id}",
    summary="Replace a document's metadata",
    description="Filters see it at once; nothing is parsed or embedded again.",
    responses={**success(200, examples.DOCUMENT), **problems(404, 409, body=True)},
)
def update_document(document_id: DocumentId, body: DocumentUpdate, services: ServicesDependency) -> Document:
    """The source is described too, or its next scan would bring the former metadata back."""
    store, source = services.store, services.backend.source
    document = _refuse_streamed(store.documents.get(document_id))
    attributes = replace(source.fetch(document.source_uri).attributes, metadata=body.metadata)
    event = source.describe(services.tenant, document.collection, document.key, attributes)
    store.ledger.accept(event, store.collections.get(document.collection))
    return Document.from_domain(store.documents.set_metadata(document_id, body.metadata))


@router.get(
    "/v1/documents/{document_id}/chunks",
    summary="List a document's chunks",
    description="Of the searchable version, in order, each with its place in the document's text.",
    responses={**success(200, examples.page_of(examples.CHUNK)), **problems(404)},
)
def list_chunks(
    document_id: DocumentId, query: Annotated[PageQuery, Query()], services: ServicesDependency
) -> ListResponse[Chunk]:
    page = services.store.documents.chunks(document_id, query.page())
    return ListResponse[Chunk].from_page(page, Chunk.of)


@router.get(
    "/v1/documents/{document_id}/history",
    summary="List what happened to a document",
    description="Every version that was accepted, published, failed or retried, oldest first.",
    responses={**success(200, examples.page_of(examples.HISTORY_ENTRY)), **problems(404)},
)
def list_history(
    document_id: DocumentId, query: Annotated[PageQuery, Query()], services: ServicesDependency
) -> ListResponse[HistoryEntry]:
    page = services.store.documents.history(document_id, query.page())
    return ListResponse[HistoryEntry].from_page(page, HistoryEntry.of)


@router.post(
    "/v1/documents/{document_id}/retry",
    status_code=202,
    summary="Retry a failed document",
    description=f"Puts it back in the queue. {IDEMPOTENT}",
    responses={**ACCEPTED, **problems(404, 409)},
)
def retry_document(document_id: DocumentId, services: ServicesDependency, response: Response) -> Document:
    document = services.store.documents.retry(document_id)
    services.request_work()
    response.headers["Location"] = f"/v1/documents/{document.id}"
    return Document.from_domain(document)


def refuse_foreign_key(services: Services, collection: str, key: str) -> None:
    """Raises ConflictingSource where the key belongs to the stream or to a part of another document."""
    with suppress(DocumentNotFound):
        _refuse_streamed(services.store.documents.find(collection, key))


def _refuse_streamed(document: DomainDocument) -> DomainDocument:
    """Only a record of the stream can be told apart from the stream's other records by its order."""
    if document.source_kind is SourceKind.KINESIS:
        raise ConflictingSource(
            "The document came by the Kinesis stream: change or delete it by a record of that stream."
        )
    if document.parent_id is not None:
        raise ConflictingSource(
            f"The document came inside of {document.parent_id}: change or delete that one."
        )
    return document
