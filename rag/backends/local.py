"""Local mode: embedded or given PostgreSQL, a folder as the source, models of this machine."""

from pathlib import Path

from rag.adapters.folder import FolderSource
from rag.adapters.postgres.embedded import EmbeddedServer
from rag.adapters.postgres.household import settle_roles
from rag.adapters.postgres.store import PostgresStore
from rag.backends.lazy import LazyBackend, built_once
from rag.errors import DataDirectoryError
from rag.private_files import close_data_directory
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
        if self._database.url:
            return PostgresStore(self._database.url.get_secret_value())
        self._close_directory()
        self._server = EmbeddedServer(self._data_dir, restarted=self._reconnect)
        logins = settle_roles(self._server.start(), self._server.home)
        return PostgresStore(logins.service, owner=logins.owner)

    @built_once
    def source(self) -> FolderSource:
        self._close_directory()
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

    def _reconnect(self) -> None:
        if "store" in self.__dict__:
            self.store.reconnect()

    def _close_directory(self) -> None:
        try:
            close_data_directory(self._data_dir.resolve())
        except OSError as error:
            raise DataDirectoryError(
                f"The data directory {self._data_dir} cannot be used ({error.strerror}): make room or make it"
                " writable, or name another one (--data-dir)."
            ) from error
