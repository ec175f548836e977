"""Documents put through the ledger by hand: no parser, no embedding model."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from rag.domain.content import Chunk, EmbeddedChunk, TextPart, Vector
from rag.domain.documents import (
    Attributes,
    BuiltDocument,
    Collection,
    Document,
    EmbeddingModel,
    NewCollection,
    SourceEvent,
    SourceKind,
    Work,
)
from rag.domain.search import Candidates, SearchRequest
from rag.ports import TenantStore
from rag.text.term_codes import counted_codes
from rag.text.terms import analyse

MODEL = EmbeddingModel(id="test", dimensions=3)
LEASE = timedelta(minutes=5)


def collection(store: TenantStore, name: str = "notes") -> Collection:
    return store.collections.ensure(NewCollection(name=name, embedding=MODEL))


def event(store: TenantStore, key: str, order: int, **changes: Any) -> SourceEvent:
    values: dict[str, Any] = {
        "tenant": store.tenant,
        "collection": "notes",
        "key": key,
        "operation": "upsert",
        "kind": SourceKind.FOLDER,
        "uri": f"folder:notes/{key}",
        "order": f"{order:020d}",
        "etag": str(order),
    }
    return SourceEvent(**{**values, **changes})


def claim(store: TenantStore) -> Work:
    work = store.ledger.claim(LEASE)
    assert work is not None
    return work


def stage(store: TenantStore, work: Work, texts: Sequence[str], vectors: Sequence[Vector] = ()) -> TextPart:
    """One chunk a text, a blank line between them."""
    whole = "\n\n".join(texts)
    chunks, start = [], 0
    for ordinal, text in enumerate(texts):
        chunk = Chunk(ordinal=ordinal, start=start, end=start + len(text), text=text)
        vector = vectors[ordinal] if vectors else [1.0, 0.0, 0.0]
        chunks.append(embedded(chunk, vector))
        start = chunk.end + 2
    store.ledger.stage(work, chunks, "en", lease=LEASE)
    return TextPart(text=whole)


def embedded(chunk: Chunk, vector: Vector) -> EmbeddedChunk:
    return EmbeddedChunk(
        chunk=chunk,
        context="",
        terms=counted_codes(Counter(analyse(chunk.text, "en"))),
        embedded_sha256=hashlib.sha256(chunk.text.encode()).digest(),
        embedding=vector,
    )


def built(count: int, **changes: Any) -> BuiltDocument:
    values: dict[str, Any] = {
        "content_sha256": "0" * 64,
        "recipe": "test",
        "size": 1,
        "title": None,
        "own_title": None,
        "media_type": "text/plain",
        "metadata": {},
        "language": "en",
        "chunk_count": count,
        "page_count": None,
    }
    return BuiltDocument(**{**values, **changes})


def publish(store: TenantStore, work: Work, texts: Sequence[str], **changes: Any) -> bool:
    vectors = changes.pop("vectors", ())
    extracted = stage(store, work, texts, vectors)
    return store.ledger.publish(work, built(len(texts), **changes), extracted)


def ready(store: TenantStore, key: str, *texts: str, order: int = 1, **changes: Any) -> Document:
    """A searchable document of these chunks."""
    attributes = Attributes(metadata=changes.get("metadata", {}))
    accepted = store.ledger.accept(event(store, key, order, attributes=attributes), collection(store))
    assert accepted is not None
    assert publish(store, claim(store), texts, **changes)
    return store.documents.get(accepted.id)


def delete(store: TenantStore, key: str, order: int) -> None:
    store.ledger.accept(event(store, key, order, operation="delete"), collection(store))
    store.ledger.erase(claim(store))


def searched(
    store: TenantStore,
    request: SearchRequest,
    vector: Vector | None = None,
    *,
    weight: float = 0.5,
    limit: int = 50,
) -> Candidates:
    """In the collection `notes`, where the request names none."""
    return store.index.search(
        request,
        collections=store.index.collections(request.collections or ["notes"]),
        vector=vector,
        semantic_weight=weight,
        depth=50,
        limit=limit,
    )
