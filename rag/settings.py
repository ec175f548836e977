"""One settings class per concern; the only reader of the environment."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from rag.files.skipping import DEFAULT_NAMES

JwtAlgorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]


class _Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="ACERVO_", env_file=None, extra="ignore", frozen=True)


class DataSettings(_Settings):
    """Where local mode keeps the embedded database and the original documents."""

    data_dir: Path = Path(".acervo")


class DatabaseSettings(BaseSettings):
    """`DATABASE_URL`: another PostgreSQL with pgvector 0.8 or newer instead of the embedded one.

    The rest is a deployment's on AWS. `login`: `password`, that of the URL, or `iam`, a token of RDS for each
    new connection. `connections` is how many this process may have, `answer_seconds` how long the database
    may be silent before a statement is given up; without it, for ever.
    """

    model_config = SettingsConfigDict(
        env_prefix="ACERVO_DATABASE_", extra="ignore", frozen=True, populate_by_name=True
    )

    url: SecretStr | None = Field(default=None, validation_alias="DATABASE_URL")
    login: Literal["password", "iam"] = "password"
    connections: int = Field(default=12, ge=1, le=1_000)
    answer_seconds: float | None = Field(default=None, gt=0)


class MigrationSettings(BaseSettings):
    """`service_user` is the role that functions log in as, empty for none; `first_password` the owner's,
    which is void as soon as the owner logs in by IAM.
    """

    model_config = SettingsConfigDict(env_prefix="ACERVO_DATABASE_", extra="ignore", frozen=True)

    service_user: str = ""
    first_password: SecretStr | None = None


class EmbeddingSettings(_Settings):
    """`wordllama`, `onnx:<directory>`, `openai:<base url>#<model>`, `bedrock:<model id>[@<dimensions>]`
    or `sagemaker:<endpoint>[/<inference component>][#<model>]`, `model` being what collections call it.

    `embedding_others` are further ones, with white space between them, for collections that have another
    model or are to have it (`acervo reembed`).
    The quotas (Bedrock only) are this process's share; without them the rate is found by trying.
    `embedding_max_tokens` (openai, sagemaker) is the longest text that the model reads.
    """

    embedding: str = "wordllama"
    embedding_others: str = ""
    embedding_api_key: SecretStr | None = None
    embedding_requests_per_minute: int | None = Field(default=None, gt=0)
    embedding_tokens_per_minute: int | None = Field(default=None, gt=0)
    embedding_concurrency: int = Field(default=64, ge=1, le=512)
    embedding_max_tokens: int = Field(default=512, ge=128, le=8_192)


class GenerationSettings(_Settings):
    """`extractive`, `openai:<base url>#<model>`, `bedrock:<model id>` or
    `sagemaker:<endpoint>[/<inference component>][#<model>]`.

    `generation_fallback` is another one, which answers while the first is unavailable; empty for none.
    Bedrock only: `generation_guardrail` is `<guardrail id>:<version>`, empty for none;
    `generation_stall_seconds` is how long a model may be silent before a call is given up.
    """

    generation: str = "extractive"
    generation_api_key: SecretStr | None = None
    generation_fallback: str = ""
    generation_fallback_api_key: SecretStr | None = None
    generation_guardrail: str = ""
    generation_stall_seconds: int = Field(default=60, gt=0)


class RerankingSettings(_Settings):
    """Empty (none), `bedrock:<model id>`, `openai:<base url>#<model>` (Cohere's and Jina's `POST /rerank`,
    vLLM), `tei:<base url>` (Text Embeddings Inference) or
    `sagemaker:<endpoint>[/<inference component>][#<model>]`.
    """

    reranking: str = ""
    reranking_api_key: SecretStr | None = None


class GuardSettings(_Settings):
    """`patterns`, `bedrock` (InvokeGuardrailChecks, which costs by the passage) or `off`.

    `guard_threshold`: the score of a prompt injection, from 0 to 1, from which a passage is suspicious.
    """

    guard: str = "patterns"
    guard_threshold: float = Field(default=0.5, ge=0, le=1)


class IngestionSettings(_Settings):
    """`max_streamed_bytes` holds for CSV, TSV, JSON lines and plain text that come past the API."""

    max_document_bytes: int = Field(default=50_000_000, gt=0)
    max_streamed_bytes: int = Field(default=1_000_000_000, gt=0)
    workers: int = Field(default=2, ge=1, le=32)


class FolderSettings(_Settings):
    """`skipped_names`: patterns, separated by commas, of names of files and folders that are skipped."""

    skipped_names: Annotated[tuple[str, ...], NoDecode] = DEFAULT_NAMES

    @field_validator("skipped_names", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _split_at_commas(value)


class ParsingSettings(_Settings):
    """Limits of the processes that read files; what is beyond them fails that one document.

    `parser_seconds`: for one document, or one page image. `parser_memory_bytes`: of the process, on Linux.
    `parser_documents`: after so many a process is replaced. `max_text_characters`: of one document;
    `max_streamed_characters`: of one whose format is read as a stream.
    """

    model_config = SettingsConfigDict(populate_by_name=True)

    parser_seconds: float = Field(default=60, gt=0)
    parser_memory_bytes: int = Field(default=1_000_000_000, ge=100_000_000)
    parser_documents: int = Field(default=500, ge=1)
    max_text_characters: int = Field(default=50_000_000, ge=1, le=50_000_000)
    max_streamed_characters: int = Field(default=600_000_000, ge=1, le=2_000_000_000)
    # AWS's Python does not start without it; all else of the environment is kept from the process.
    library_path: str = Field(default="", validation_alias="LD_LIBRARY_PATH")

    @property
    def most_characters(self) -> int:
        """Of any document."""
        return max(self.max_text_characters, self.max_streamed_characters)


class OcrSettings(_Settings):
    """`off`, `textract` (Amazon Textract, which costs by the page) or `tesseract` (the program).

    `ocr_languages` (Tesseract only): its names of languages, joined by plus signs.
    `ocr_concurrency`: pages at once; on AWS Textract's quota of DetectDocumentText is the account's.
    """

    ocr: Literal["off", "textract", "tesseract"] = "off"
    ocr_languages: str = Field(default="por+eng", pattern=r"^[A-Za-z_/]+(\+[A-Za-z_/]+)*$")
    ocr_concurrency: int = Field(default=2, ge=1, le=32)
    ocr_max_pages: int = Field(default=300, ge=1)
    ocr_page_seconds: float = Field(default=60, gt=0)


class SourceSettings(_Settings):
    """The bucket that the deployment's documents are dropped into."""

    bucket: str = ""
    default_tenant: str = "default"


class QueueSettings(_Settings):
    """URLs of the ingestion queue, of messages that failed too often, and of what tells of failed records.

    `ingestion_function` is the name of the function that such records are given to again.
    """

    queue_url: str = ""
    dead_letter_queue_url: str = ""
    stream_failures_queue_url: str = ""
    ingestion_function: str = ""


class FunctionSettings(_Settings):
    """What a deployment's function calls itself in logs, and the namespace of its metrics in CloudWatch."""

    function_service: str = "acervo"
    metrics_namespace: str = Field(default="Acervo", min_length=1)


class TraceSettings(BaseSettings):
    """Lambda's trace of the invocation in hand, by X-Ray; empty elsewhere."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    trace_id: str = Field(default="", validation_alias="_X_AMZN_TRACE_ID")


class ClientSettings(_Settings):
    """The server that the command line talks to, and the API key or token that it shows there."""

    server: str | None = None
    api_key: SecretStr | None = None


class JwtSettings(_Settings):
    """Tokens of an OpenID provider (Cognito, Auth0, Keycloak …); without an issuer no token is a credential.

    `jwt_jwks_url` is where the provider publishes its keys; `jwt_jwks` is that document itself, for a
    service that reaches no other host. `jwt_audience_claim` is `client_id` for Cognito's access tokens.
    A scope is `jwt_scope_prefix` and `read`, `write` or `admin`; `jwt_scopes_claim` holds a list of them,
    or text with spaces between. `jwt_leeway_seconds` is how far the provider's clock may be off.
    """

    jwt_issuer: str = ""
    jwt_audience: str = ""
    jwt_audience_claim: Literal["aud", "client_id"] = "aud"
    jwt_jwks_url: str = ""
    jwt_jwks: str = ""
    # Public keys only: with a shared secret, whoever checks tokens could also make them.
    jwt_algorithms: Annotated[tuple[JwtAlgorithm, ...], NoDecode] = ("RS256",)
    jwt_tenant_claim: str = Field(default="tenant", min_length=1)
    jwt_scopes_claim: str = Field(default="scope", min_length=1)
    jwt_scope_prefix: str = ""
    jwt_leeway_seconds: int = Field(default=60, ge=0, le=300)

    @field_validator("jwt_algorithms", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _split_at_commas(value)

    @field_validator("jwt_jwks_url")
    @classmethod
    def _over_tls(cls, value: str) -> str:
        address = urlsplit(value)
        here = address.scheme == "http" and address.hostname in {"localhost", "127.0.0.1", "::1"}
        if value and address.scheme != "https" and not here:
            raise ValueError("must begin with https://")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.jwt_issuer and not (self.jwt_audience and self.jwt_algorithms):
            raise ValueError("ACERVO_JWT_ISSUER needs ACERVO_JWT_AUDIENCE and at least one algorithm")
        if self.jwt_issuer and bool(self.jwt_jwks_url) == bool(self.jwt_jwks):
            raise ValueError("ACERVO_JWT_ISSUER needs either ACERVO_JWT_JWKS_URL or ACERVO_JWT_JWKS")
        return self


class ServerSettings(_Settings):
    """`cors_origins`: comma-separated origins that may call the API from a browser.

    `base_path`: what stands before the API's paths on a domain of one's own, such as `/library`.
    """

    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    base_path: str = Field(default="", pattern=r"^(/[A-Za-z0-9._~-]+)*$")

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _split_at_commas(value)


def _split_at_commas(value: object) -> object:
    return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value
