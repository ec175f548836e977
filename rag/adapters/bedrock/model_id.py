"""What a Bedrock model's id says about it."""

from dataclasses import dataclass
from typing import Final

# Inference profiles, through which some regions alone serve a model.
_GEOGRAPHIES: Final = frozenset({"apac", "au", "ca", "eu", "jp", "sa", "us", "us-gov"})
_GLOBAL: Final = "global"
# These know no searchResult blocks.
_CLAUDE_WITHOUT_CITATIONS: Final = (
    "anthropic.claude-3-haiku",
    "anthropic.claude-3-opus",
    "anthropic.claude-3-sonnet",
    "anthropic.claude-instant",
    "anthropic.claude-v2",
)
# The behaviours of a fake server, in whose names there is no vendor.
_MOCK: Final = "mock"


@dataclass(frozen=True, kw_only=True)
class ModelId:
    """`base`: the foundation model. `profile`: None, "global" or a geography."""

    base: str
    profile: str | None = None

    @property
    def vendor(self) -> str:
        return self.base.partition(".")[0]

    @property
    def is_geographic(self) -> bool:
        return self.profile in _GEOGRAPHIES

    @property
    def cites(self) -> bool:
        """Whether the model cites searchResult blocks by itself."""
        if self.base.startswith(_CLAUDE_WITHOUT_CITATIONS):
            return False
        return self.vendor == "anthropic" or self.base.startswith(_MOCK)

    @property
    def caches_prompts(self) -> bool:
        return self.cites or self.base.startswith("amazon.nova")


def parse_model_id(model_id: str) -> ModelId:
    """Of an id or of an ARN that ends with one."""
    name = model_id.rpartition("/")[2]
    profile, _, base = name.partition(".")
    if base and (profile in _GEOGRAPHIES or profile == _GLOBAL):
        return ModelId(base=base, profile=profile)
    return ModelId(base=name)
