"""What a deployment can choose: one class per concern, read from a YAML file or CDK's context."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from infra.errors import DeploymentSettingsInvalid
from infra.models import ModelReference

# Memory of the instance classes offered, GiB. https://aws.amazon.com/rds/instance-types/
INSTANCE_MEMORY: Final[Mapping[str, int]] = {
    "t4g.micro": 1,
    "t4g.small": 2,
    "t4g.medium": 4,
    "t4g.large": 8,
    "m7g.large": 8,
    "m7g.xlarge": 16,
    "r7g.large": 16,
    "r7g.xlarge": 32,
}
REGION_PATTERN: Final = r"^[a-z]{2}(-[a-z]+)+-\d$"
# Where Textract is, as botocore 1.44 lists it (compared in tests/infra).
TEXTRACT_REGIONS: Final = frozenset(
    {
        *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1"),
        *("eu-central-1", "eu-central-2", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3"),
        *("ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
    }
)


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NetworkSettings(_Settings):
    """`endpoint_zones`: in how many zones each interface endpoint has an address; each costs by the hour."""

    zones: int = Field(default=2, ge=2, le=3)
    endpoint_zones: int = Field(default=1, ge=1, le=3)
    nat: bool = False

    @model_validator(mode="after")
    def _endpoints_lie_in_zones(self) -> Self:
        if self.endpoint_zones > self.zones:
            raise ValueError(f"endpoint_zones is {self.endpoint_zones}, the network has {self.zones} zones")
        return self


class _DatabaseSettings(_Settings):
    version: Literal["17.9", "18.3"] = "17.9"
    backup_days: int = Field(default=7, ge=1, le=35)
    deletion_protection: bool = True


class RdsSettings(_DatabaseSettings):
    """One instance of RDS for PostgreSQL, with a standby in another zone if `multi_az`."""

    kind: Literal["rds"] = "rds"
    instance: str = "t4g.micro"
    storage_gib: int = Field(default=20, ge=20, le=16_384)
    max_storage_gib: int = Field(default=100, ge=22, le=16_384)
    multi_az: bool = False

    @field_validator("instance")
    @classmethod
    def _is_offered(cls, instance: str) -> str:
        if instance not in INSTANCE_MEMORY:
            raise ValueError(f"{instance!r} is not one of {', '.join(INSTANCE_MEMORY)}")
        return instance

    @property
    def memory_gib(self) -> float:
        return INSTANCE_MEMORY[self.instance]


class AuroraSettings(_DatabaseSettings):
    """Aurora Serverless v2 in capacity units of 2 GiB; a minimum of 0 pauses after `pause_minutes`."""

    kind: Literal["aurora"] = "aurora"
    min_capacity: float = Field(default=0, ge=0, le=128, multiple_of=0.5)
    max_capacity: float = Field(default=2, ge=1, le=128, multiple_of=0.5)
    pause_minutes: int = Field(default=10, ge=5, le=1440)

    @model_validator(mode="after")
    def _capacities_are_ordered(self) -> Self:
        if self.min_capacity > self.max_capacity:
            raise ValueError(f"min_capacity {self.min_capacity} is above max_capacity {self.max_capacity}")
        return self

    @property
    def memory_gib(self) -> float:
        return 2 * self.max_capacity


class IngestionSettings(_Settings):
    """`connection_share`: the part of the database's connections that writing may take.

    `ocr`: who reads pages that are images; with `none` documents of nothing else fail.
    """

    memory_mib: int = Field(default=1769, ge=512, le=10_240)
    timeout_seconds: int = Field(default=300, ge=60, le=900)
    batch_size: int = Field(default=10, ge=1, le=10)
    max_attempts: int = Field(default=5, ge=2, le=100)
    connection_share: float = Field(default=1 / 3, gt=0, lt=1)
    ocr: Literal["none", "textract"] = "none"


class StreamSettings(_Settings):
    """Provisioned shards, never on demand: then the shards, and with them the connections, have no bound."""

    enabled: bool = True
    shards: int = Field(default=1, ge=1, le=200)
    batches_per_shard: int = Field(default=1, ge=1, le=10)
    retention_hours: int = Field(default=24, ge=24, le=8_760)
    batch_size: int = Field(default=100, ge=1, le=10_000)
    max_attempts: int = Field(default=5, ge=0, le=10_000)
    max_age_hours: int = Field(default=12, ge=1, le=168)


class ApiSettings(_Settings):
    """`streaming`: a REST API that passes tokens on as they come, in place of the buffered HTTP API.

    `reserve_concurrency`: no more functions at once than the database has connections for. An account
    whose limit is still 10 concurrent functions cannot reserve any.
    """

    streaming: bool = False
    memory_mib: int = Field(default=1769, ge=512, le=10_240)
    requests_per_second: int = Field(default=50, ge=1, le=10_000)
    burst: int = Field(default=100, ge=1, le=5_000)
    cors_origins: tuple[str, ...] = ()
    reserve_concurrency: bool = True

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not origin.startswith(("https://", "http://localhost")) or origin.count("/") != 2:  # noqa: PLR2004 - of ://
                raise ValueError(f"{origin!r} is not an origin such as https://app.example.com")
        return origins


class ModelSettings(_Settings):
    """In the words of ACERVO_EMBEDDING, ACERVO_GENERATION, ACERVO_RERANKING and ACERVO_GUARD.

    `embedding_others`: for collections that have another model or are to have it (`acervo reembed`).
    """

    embedding: str = "bedrock:amazon.titan-embed-text-v2:0"
    embedding_others: tuple[Annotated[str, Field(pattern=r"^(bedrock|sagemaker|openai):\S+$")], ...] = ()
    embedding_requests_per_minute: int | None = Field(default=None, gt=0)
    generation: str = "bedrock:us.anthropic.claude-haiku-5-5"
    reranking: str = ""
    guard: Literal["patterns", "bedrock", "off"] = "patterns"
    guardrail: str = Field(default="", pattern=r"^$|^[a-z0-9]+:(\d+|DRAFT)$")

    @field_validator("guard", mode="before")
    @classmethod
    def _off_in_yaml(cls, guard: object) -> object:
        return "off" if guard is False else guard

    @field_validator("embedding", "generation", "reranking")
    @classmethod
    def _is_a_reference(cls, text: str) -> str:
        if text:
            ModelReference.parse(text)
        return text

    def references(self) -> dict[str, ModelReference]:
        """By what they are for; reranking only where it is chosen."""
        named = {"embedding": self.embedding, "generation": self.generation, "reranking": self.reranking}
        named |= {f"embedding_others.{number}": text for number, text in enumerate(self.embedding_others)}
        return {name: ModelReference.parse(text) for name, text in named.items() if text}


class SageMakerSettings(_Settings):
    """An endpoint of our own that generates, scaled to zero when idle; Bedrock answers until it is up.

    `model` is a Hugging Face id; for `inferentia2` one of the cache of compiled models.
    """

    kind: Literal["inferentia2", "gpu"]
    model: str = Field(min_length=3)
    instance: str = ""
    max_instances: int = Field(default=1, ge=1, le=10)
    min_instances: int = Field(default=0, ge=0, le=10)
    batch_size: int = Field(default=4, ge=1, le=256)
    image: str = ""

    @model_validator(mode="after")
    def _instance_fits(self) -> Self:
        families = {"inferentia2": "ml.inf2.", "gpu": "ml.g"}
        if self.instance and not self.instance.startswith(families[self.kind]):
            raise ValueError(f"{self.instance!r} is no instance of {self.kind} ({families[self.kind]}…)")
        if self.min_instances > self.max_instances:
            raise ValueError(f"min_instances {self.min_instances} is above max_instances")
        return self


class TokenSettings(_Settings):
    """JSON Web Tokens of an OIDC issuer.

    Its keys stand here (`jwks`, a JSON document), or are fetched from `jwks_url`, which is on the internet
    and needs `network.nat`.
    """

    issuer: str = Field(pattern=r"^https://\S+$")
    audience: str = Field(min_length=1)
    jwks: str = ""
    jwks_url: str = Field(default="", pattern=r"^$|^https://\S+$")

    @model_validator(mode="after")
    def _has_keys(self) -> Self:
        if bool(self.jwks) == bool(self.jwks_url):
            raise ValueError("either jwks or jwks_url")
        return self


class OperationSettings(_Settings):
    """`alarm_email` receives alarms after a confirmation; without it they are on the dashboard only."""

    alarm_email: str | None = Field(default=None, pattern=r"^[^@\s]+@[^@\s]+$")
    log_days: Literal[7, 14, 30, 90, 180, 365] = 30


class DeploymentSettings(_Settings):
    """`environment`: further ACERVO_… variables of the functions.

    `source_buckets`: other buckets whose objects records may name.
    """

    name: str = Field(default="acervo", pattern=r"^[a-z][a-z0-9-]{1,23}[a-z0-9]$")
    region: str = Field(default="us-east-1", pattern=REGION_PATTERN)
    network: NetworkSettings = NetworkSettings()
    database: Annotated[RdsSettings | AuroraSettings, Field(discriminator="kind")] = RdsSettings()
    ingestion: IngestionSettings = IngestionSettings()
    stream: StreamSettings = StreamSettings()
    api: ApiSettings = ApiSettings()
    models: ModelSettings = ModelSettings()
    sagemaker: SageMakerSettings | None = None
    tokens: TokenSettings | None = None
    operations: OperationSettings = OperationSettings()
    source_buckets: tuple[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")], ...] = ()
    environment: dict[Annotated[str, Field(pattern=r"^ACERVO_[A-Z0-9_]+$")], str] = {}

    @property
    def database_pauses(self) -> bool:
        return self.database.kind == "aurora" and self.database.min_capacity == 0

    @model_validator(mode="after")
    def _models_can_be_reached(self) -> Self:
        for purpose, model in self.models.references().items():
            if not model.is_callable_from(self.region):
                raise ValueError(f"models.{purpose}: {model.name} cannot be called from {self.region}")
            if model.provider == "openai" and not self.network.nat:
                raise ValueError(f"models.{purpose} is a server outside AWS: it needs network.nat: true")
        return self

    @model_validator(mode="after")
    def _scans_can_be_read(self) -> Self:
        if self.ingestion.ocr == "textract" and self.region not in TEXTRACT_REGIONS:
            raise ValueError(f"ingestion.ocr: Textract is not in {self.region}; ingestion.ocr: none")
        return self

    @model_validator(mode="after")
    def _keys_can_be_fetched(self) -> Self:
        if self.tokens and self.tokens.jwks_url and not self.network.nat:
            raise ValueError("tokens.jwks_url is on the internet: it needs network.nat: true, or tokens.jwks")
        return self


def parse_settings(values: Mapping[str, Any], *, origin: str) -> DeploymentSettings:
    """`origin` names the file or context for the message. Raises DeploymentSettingsInvalid."""
    try:
        return DeploymentSettings.model_validate(values)
    except ValidationError as error:
        problems = "\n".join(f"  {_place(found['loc'])}: {found['msg']}" for found in error.errors())
        raise DeploymentSettingsInvalid(f"The settings of {origin} cannot be used:\n{problems}") from error


def read_settings(path: Path) -> DeploymentSettings:
    """Of a YAML or JSON file. Raises DeploymentSettingsInvalid."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DeploymentSettingsInvalid(f"{path} cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise DeploymentSettingsInvalid(f"{path} is not a mapping of settings.")
    return parse_settings(values, origin=str(path))


def _place(location: tuple[str | int, ...]) -> str:
    return ".".join(map(str, location)) or "together"
