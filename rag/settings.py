"""One settings class per concern; the only reader of the environment."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class _Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="ACERVO_", env_file=None, extra="ignore", frozen=True)


class DataSettings(_Settings):
    """Where local mode keeps the embedded database and the original documents."""

    data_dir: Path = Path(".acervo")


class DatabaseSettings(BaseSettings):
    """`DATABASE_URL`: another PostgreSQL with pgvector 0.8 or newer instead of the embedded one."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    url: SecretStr | None = Field(default=None, validation_alias="DATABASE_URL")


class EmbeddingSettings(_Settings):
    """`wordllama`, `onnx:<directory>`, `openai:<base url>#<model>` or `bedrock:<model id>[@<dimensions>]`.

    The quotas (Bedrock only) are this process's share; without them the rate is found by trying.
    """

    embedding: str = "wordllama"
    embedding_api_key: SecretStr | None = None
    embedding_requests_per_minute: int | None = Field(default=None, gt=0)
    embedding_tokens_per_minute: int | None = Field(default=None, gt=0)
    embedding_concurrency: int = Field(default=64, ge=1, le=512)


class GenerationSettings(_Settings):
    """`extractive` or `openai:<base url>#<model>`."""

    generation: str = "extractive"
    generation_api_key: SecretStr | None = None


class IngestionSettings(_Settings):
    max_document_bytes: int = Field(default=50_000_000, gt=0)
    workers: int = Field(default=2, ge=1, le=32)


class SourceSettings(_Settings):
    """The bucket that the deployment's documents are dropped into."""

    bucket: str = ""
    default_tenant: str = "default"


class QueueSettings(_Settings):
    """URLs of the ingestion queue and of the queue of messages that failed too often."""

    queue_url: str = ""
    dead_letter_queue_url: str = ""


class ClientSettings(_Settings):
    """The server that the command line talks to."""

    server: str | None = None


class ServerSettings(_Settings):
    """`cors_origins`: comma-separated origins that may call the API from a browser."""

    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value
