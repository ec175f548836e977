"""Documents put through the real write path, one call each."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any

from ingestion.worker import Worker
from rag.domain.documents import Attributes, Document, NewCollection
from rag.ports import Backend, TenantStore


@dataclass(frozen=True, kw_only=True)
class Library:
    backend: Backend
    worker: Worker

    @property
    def store(self) -> TenantStore:
        return self.backend.store.tenant("local")

    def add(
        self,
        key: str,
        text: str | bytes,
        *,
        collection: str = "handbook",
        title: str | None = None,
        **metadata: Any,
    ) -> Document:
        """Waits until the document is ready, or failed."""
        self.announce(key, text, collection=collection, title=title, **metadata)
        while self.worker.work_once():
            pass
        return self.store.documents.find(collection, key)

    def announce(
        self,
        key: str,
        text: str | bytes,
        *,
        collection: str = "handbook",
        title: str | None = None,
        **metadata: Any,
    ) -> None:
        """The document is accepted and not yet processed."""
        model = self.backend.embedder.model
        entry = self.store.collections.ensure(NewCollection(name=collection, embedding=model))
        body = text.encode() if isinstance(text, str) else text
        attributes = Attributes(title=title, metadata=metadata)
        event = self.backend.source.put("local", collection, key, BytesIO(body), attributes)
        self.store.ledger.accept(event, entry)
