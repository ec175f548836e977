"""What each function's bundle is made of and how large it may be."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

REPOSITORY: Final = Path(__file__).parents[2]

# Adapters of local mode, which a deployment on AWS does not configure.
_LOCAL: Final = frozenset(
    {"langchain_openai", "onnxruntime", "openai", "safetensors", "tokenizers", "wordllama"}
)
# What only the API imports of that which both flows' backend could.
_ANSWERING: Final = frozenset({"httpcore", "httpx", "jwt", "langchain_aws", "langchain_core"})
# `rds` signs logins to the database.
_MODELS_AND_DOCUMENTS: Final = frozenset({"bedrock-runtime", "rds", "s3", "sagemaker-runtime", "sts"})


@dataclass(frozen=True, kw_only=True)
class Function:
    """`module` has the `handler`; `services` are those of AWS that it calls; `lacking` are packages that
    modules imported on demand may ask for in vain; `files` are put beside the packages.
    """

    name: str
    module: str
    services: frozenset[str]
    lacking: frozenset[str]
    limit_megabytes: int
    files: tuple[Path, ...] = ()

    @property
    def lock(self) -> Path:
        return REPOSITORY / "requirements" / f"lambda-{self.name}.txt"


_FUNCTIONS: Final = (
    Function(
        name="ingestion",
        module="ingestion.lambda_handler",
        services=_MODELS_AND_DOCUMENTS,
        lacking=_LOCAL | _ANSWERING,
        limit_megabytes=120,
    ),
    Function(
        name="api",
        module="app.lambda_handler",
        services=_MODELS_AND_DOCUMENTS | {"bedrock-agent-runtime"},
        lacking=_LOCAL,
        limit_megabytes=200,
        files=(Path(__file__).with_name("run.sh"),),
    ),
    Function(
        name="migration",
        module="rag.migration_handler",
        services=frozenset({"rds", "sts"}),
        lacking=frozenset(),
        limit_megabytes=60,
    ),
)
FUNCTIONS: Final[Mapping[str, Function]] = MappingProxyType({each.name: each for each in _FUNCTIONS})
