"""AWS: PostgreSQL by its URL, a bucket as the source, models on Bedrock or SageMaker."""

from collections.abc import Callable

from rag.adapters.postgres.connection import PoolSettings
from rag.adapters.postgres.login import TokenSigner, with_tokens
from rag.adapters.postgres.store import PostgresStore
from rag.adapters.rds import RdsTokens
from rag.adapters.s3 import S3Source
from rag.backends.lazy import LazyBackend, built_once
from rag.errors import SettingInvalid
from rag.settings import (
    DatabaseSettings,
    EmbeddingSettings,
    GenerationSettings,
    GuardSettings,
    IngestionSettings,
    RerankingSettings,
    SourceSettings,
)

# How long the write path waits for a database that restarts or wakes up, seconds.
PATIENCE = 30.0


class AwsBackend(LazyBackend):
    """`signer` makes the passwords of a login by IAM, if the settings say so."""

    def __init__(
        self,
        *,
        database: DatabaseSettings | None = None,
        source: SourceSettings | None = None,
        embedding: EmbeddingSettings | None = None,
        generation: GenerationSettings | None = None,
        reranking: RerankingSettings | None = None,
        guarding: GuardSettings | None = None,
        ingestion: IngestionSettings | None = None,
        signer: Callable[[], TokenSigner] = RdsTokens,
    ) -> None:
        super().__init__(embedding=embedding, generation=generation, reranking=reranking, guarding=guarding)
        self._database = database or DatabaseSettings()
        self._where = source or SourceSettings()
        self._ingestion = ingestion or IngestionSettings()
        self._signer = signer

    @built_once
    def store(self) -> PostgresStore:
        database = self._database
        if database.url is None:
            raise SettingInvalid("DATABASE_URL is not set: it names the PostgreSQL server of the deployment.")
        url = database.url.get_secret_value()
        return PostgresStore(
            with_tokens(url, self._signer()) if database.login == "iam" else url,
            migrates=False,
            # A connection may have died while the function was frozen.
            pool=PoolSettings(
                max_size=database.connections, checked=True, answer_seconds=database.answer_seconds
            ),
            patience=PATIENCE,
        )

    @built_once
    def source(self) -> S3Source:
        if not self._where.bucket:
            raise SettingInvalid("ACERVO_BUCKET is not set: it names the bucket that documents are put into.")
        return S3Source(
            self._where.bucket,
            default_tenant=self._where.default_tenant,
            max_object_bytes=max(self._ingestion.max_document_bytes, self._ingestion.max_streamed_bytes),
        )

    def close(self) -> None:
        if "store" in self.__dict__:
            self.store.close()
            del self.store
