"""The write path in a test's hands: a folder, a store, a worker that works when it is told to."""

from io import BytesIO
from pathlib import Path

from ingestion.pipeline import Pipeline
from ingestion.reconcile import reconcile
from rag.adapters.folder import FolderSource
from rag.adapters.postgres.store import PostgresStore, PostgresTenantStore
from rag.domain.documents import Attributes, Document, SourceEvent
from rag.domain.pages import PageRequest
from tests.doubles.counting_embedder import CountingEmbedder
from tests.rag.adapters.postgres.builders import LEASE


class WritePath:
    def __init__(self, store: PostgresStore, root: Path) -> None:
        self.store = store
        self.tenant: PostgresTenantStore = store.tenant("local")
        self.source = FolderSource(root)
        self.embedder = CountingEmbedder()
        self.pipeline = Pipeline(source=self.source, embedder=self.embedder, max_document_bytes=100_000)

    def drop(self, key: str, text: str | bytes, attributes: Attributes | None = None) -> SourceEvent:
        body = text.encode() if isinstance(text, str) else text
        return self.source.put("local", "notes", key, BytesIO(body), attributes or Attributes())

    def run(self) -> int:
        """Compares the folder and works off the queue; returns how many documents were worked on."""
        self.announce()
        return self.work_off()

    def announce(self) -> None:
        """Compares the folder, and leaves the work to others."""
        reconcile(store=self.store, source=self.source, embedder=self.embedder)

    def work_off(self) -> int:
        count = 0
        while work := self.tenant.ledger.claim(LEASE):
            self.pipeline.process(self.tenant.ledger, work)
            count += 1
        return count

    def document(self, key: str) -> Document:
        return self.tenant.documents.find("notes", key)

    def history(self, key: str) -> list[str]:
        entries = self.tenant.documents.history(self.document(key).id, PageRequest()).items
        return [entry.event for entry in entries]

    def hurry(self) -> None:
        """Lets the time of waiting documents and of lost leases come."""
        with self.tenant.ledger._session.transaction() as connection:  # noqa: SLF001 - the clock is the database's
            connection.execute(
                "UPDATE documents SET offered_at = now(), lease_until = now() - interval '1 s'"
            )
