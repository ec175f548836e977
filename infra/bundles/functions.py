"""What each function's bundle is made of and how large it may be."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

REPOSITORY: Final = Path(__file__).parents[2]
# Where a function's `files` lie.
FILES: Final = Path(__file__).parent

# Adapters of local mode, which a deployment on AWS does not configure.
_LOCAL: Final = frozenset(
    {"langchain_openai", "onnxruntime", "openai", "safetensors", "tokenizers", "wordllama"}
)
# What only the API imports of that which both flows' backend could.
_ANSWERING: Final = frozenset({"httpcore", "httpx", "jwt", "langchain_aws", "langchain_core"})
_MODELS_AND_DOCUMENTS: Final = frozenset({"bedrock-runtime", "s3", "sagemaker-runtime", "sts"})
# What the database's URL names (infra/database.py).
_CERTIFICATES: Final = "certificates/rds.pem"


@dataclass(frozen=True, kw_only=True)
class Function:
    """`module` has the `handler`; `services` are those of AWS that it calls; `lacking` are packages that
    modules imported on demand may ask for in vain; `files` of this folder are put beside the packages;
    `whole` are packages of ours whose modules are named as text, where no import statement is found.
    """

    name: str
    module: str
    services: frozenset[str]
    lacking: frozenset[str]
    limit_megabytes: int
    files: tuple[str, ...] = (_CERTIFICATES,)
    whole: tuple[str, ...] = ()

    @property
    def lock(self) -> Path:
        return REPOSITORY / "requirements" / f"lambda-{self.name}.txt"


_FUNCTIONS: Final = (
    Function(
        name="ingestion",
        module="ingestion.lambda_handler",
        services=_MODELS_AND_DOCUMENTS | {"textract"},
        lacking=_LOCAL | _ANSWERING,
        limit_megabytes=120,
        whole=("ingestion.parse",),
    ),
    Function(
        name="api",
        module="app.lambda_handler",
        services=_MODELS_AND_DOCUMENTS | {"bedrock-agent-runtime"},
        lacking=_LOCAL,
        limit_megabytes=200,
        files=(_CERTIFICATES, "run.sh"),
    ),
    Function(
        name="migration",
        module="rag.migration_handler",
        services=frozenset({"sts"}),
        lacking=frozenset(),
        limit_megabytes=60,
    ),
)
FUNCTIONS: Final[Mapping[str, Function]] = MappingProxyType({each.name: each for each in _FUNCTIONS})
