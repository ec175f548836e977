"""Local mode: embedded or given PostgreSQL, a folder as the source, models of this machine."""

from functools import cached_property
from pathlib import Path
from threading import RLock

from rag.adapters.folder import FolderSource
from rag.adapters.local.embedding import build_embedder
from rag.adapters.local.generation import build_generator
from rag.adapters.postgres.embedded import EmbeddedServer
from rag.adapters.postgres.store import PostgresStore
from rag.ports import Embedder, Generator, Reranker
from rag.settings import DatabaseSettings, EmbeddingSettings, GenerationSettings


class LocalBackend:
    """Builds each adapter when it is first asked for."""

    reranker: Reranker | None = None

    def __init__(
        self,
        data_dir: Path,
        *,
        database: DatabaseSettings | None = None,
        embedding: EmbeddingSettings | None = None,
        generation: GenerationSettings | None = None,
    ) -> None:
        self._data_dir = data_dir
        self._database = database or DatabaseSettings()
        self._embedding = embedding or EmbeddingSettings()
        self._generation = generation or GenerationSettings()
        self._server: EmbeddedServer | None = None
        # cached_property has no lock of its own, and a second server or model must never be built.
        self._lock = RLock()

    @property
    def store(self) -> PostgresStore:
        with self._lock:
            return self._store

    @property
    def source(self) -> FolderSource:
        with self._lock:
            return self._source

    @property
    def embedder(self) -> Embedder:
        with self._lock:
            return self._embedder

    @property
    def generator(self) -> Generator:
        with self._lock:
            return self._generator

    def close(self) -> None:
        """Closes the pool, then leaves the embedded server; the last user to leave stops it."""
        if "_store" in self.__dict__:
            self._store.close()
            del self._store
        if self._server:
            self._server.stop()
            self._server = None

    @cached_property
    def _store(self) -> PostgresStore:
        return PostgresStore(self._conninfo())

    @cached_property
    def _source(self) -> FolderSource:
        return FolderSource(self._data_dir / "documents")

    @cached_property
    def _embedder(self) -> Embedder:
        return build_embedder(self._embedding)

    @cached_property
    def _generator(self) -> Generator:
        return build_generator(self._generation, lambda: self.embedder)

    def _conninfo(self) -> str:
        if self._database.url:
            return self._database.url.get_secret_value()
        self._server = EmbeddedServer(self._data_dir)
        return self._server.start()
