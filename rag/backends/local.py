"""Local mode: embedded or given PostgreSQL, a folder as the source, models of this machine."""

from pathlib import Path

from rag.adapters.folder import FolderSource
from rag.adapters.postgres.embedded import EmbeddedServer
from rag.adapters.postgres.store import PostgresStore
from rag.backends.lazy import LazyBackend, built_once
from rag.settings import (
    DatabaseSettings,
    EmbeddingSettings,
    FolderSettings,
    GenerationSettings,
    GuardSettings,
    IngestionSettings,
    RerankingSettings,
)


class LocalBackend(LazyBackend):
    def __init__(
        self,
        data_dir: Path,
        *,
        database: DatabaseSettings | None = None,
        embedding: EmbeddingSettings | None = None,
        generation: GenerationSettings | None = None,
        reranking: RerankingSettings | None = None,
        guarding: GuardSettings | None = None,
    ) -> None:
        super().__init__(embedding=embedding, generation=generation, reranking=reranking, guarding=guarding)
        self._data_dir = data_dir
        self._database = database or DatabaseSettings()
        self._server: EmbeddedServer | None = None

    @built_once
    def store(self) -> PostgresStore:
        return PostgresStore(self._conninfo())

    @built_once
    def source(self) -> FolderSource:
        limits = IngestionSettings()
        return FolderSource(
            self._data_dir / "documents",
            skipped_names=FolderSettings().skipped_names,
            most_bytes=max(limits.max_document_bytes, limits.max_streamed_bytes),
        )

    def close(self) -> None:
        """Closes the pool, then leaves the embedded server; the last user to leave stops it."""
        if "store" in self.__dict__:
            self.store.close()
            del self.store
        if self._server:
            self._server.stop()
            self._server = None

    def _conninfo(self) -> str:
        if self._database.url:
            return self._database.url.get_secret_value()
        self._server = EmbeddedServer(self._data_dir)
        return self._server.start()
