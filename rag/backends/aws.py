"""AWS: PostgreSQL by its URL, a bucket as the source, models on Bedrock."""

from functools import cached_property
from threading import RLock

from rag.adapters.local.embedding import build_embedder
from rag.adapters.local.generation import build_generator
from rag.adapters.postgres.store import PostgresStore
from rag.adapters.s3 import S3Source
from rag.errors import SettingInvalid
from rag.ports import Embedder, Generator, Reranker
from rag.settings import (
    DatabaseSettings,
    EmbeddingSettings,
    GenerationSettings,
    IngestionSettings,
    SourceSettings,
)

# How long the write path waits for a database that restarts or wakes up, seconds.
PATIENCE = 30.0


class AwsBackend:
    """Builds each adapter when it is first asked for."""

    reranker: Reranker | None = None

    def __init__(
        self,
        *,
        database: DatabaseSettings | None = None,
        source: SourceSettings | None = None,
        embedding: EmbeddingSettings | None = None,
        generation: GenerationSettings | None = None,
        ingestion: IngestionSettings | None = None,
    ) -> None:
        self._database = database or DatabaseSettings()
        self._where = source or SourceSettings()
        self._embedding = embedding or EmbeddingSettings()
        self._generation = generation or GenerationSettings()
        self._ingestion = ingestion or IngestionSettings()
        self._lock = RLock()

    @property
    def store(self) -> PostgresStore:
        with self._lock:
            return self._store

    @property
    def source(self) -> S3Source:
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
        if "_store" in self.__dict__:
            self._store.close()
            del self._store

    @cached_property
    def _store(self) -> PostgresStore:
        if self._database.url is None:
            raise SettingInvalid("DATABASE_URL is not set: it names the PostgreSQL server of the deployment.")
        return PostgresStore(self._database.url.get_secret_value(), migrates=False, patience=PATIENCE)

    @cached_property
    def _source(self) -> S3Source:
        if not self._where.bucket:
            raise SettingInvalid("ACERVO_BUCKET is not set: it names the bucket that documents are put into.")
        return S3Source(
            self._where.bucket,
            default_tenant=self._where.default_tenant,
            max_object_bytes=self._ingestion.max_document_bytes,
        )

    @cached_property
    def _embedder(self) -> Embedder:
        return build_embedder(self._embedding)

    @cached_property
    def _generator(self) -> Generator:
        return build_generator(self._generation, lambda: self.embedder)
