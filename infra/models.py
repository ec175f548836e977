"""Model settings (`<provider>:<name>`) and what each needs: permissions, endpoints, a way out."""

import re
from dataclasses import dataclass
from typing import Final, Self

PROVIDERS: Final = ("bedrock", "sagemaker", "openai", "extractive")
# The geographies of inference profiles, and the regions that may call them; `global` goes anywhere.
_GEOGRAPHIES: Final = {
    "us": "us-",
    "eu": "eu-",
    "apac": "ap-",
    "au": "ap-southeast-",
    "jp": "ap-northeast-",
}
_PROFILE: Final = re.compile(r"(global|us|eu|apac|au|jp)\.(.+)")


@dataclass(frozen=True, kw_only=True)
class ModelReference:
    """`name` is a Bedrock model or profile id, or a SageMaker endpoint with its inference component."""

    provider: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError."""
        provider, _, rest = text.partition(":")
        if provider not in PROVIDERS:
            raise ValueError(f"{text!r} names no provider of {', '.join(PROVIDERS)}")
        name = re.sub(r"@\d+$", "", rest) if provider == "bedrock" else rest.rpartition("#")[0] or rest
        if bool(name) != (provider != "extractive"):
            raise ValueError(f"{text!r} is not <provider>:<model>, nor extractive")
        return cls(provider=provider, name=name)

    @property
    def geography(self) -> str | None:
        """`us` of `us.anthropic.…`; None for a model called in its own region."""
        found = _PROFILE.fullmatch(self.name) if self.provider == "bedrock" else None
        return found[1] if found else None

    @property
    def foundation_model(self) -> str:
        found = _PROFILE.fullmatch(self.name)
        return found[2] if found else self.name

    def is_callable_from(self, region: str) -> bool:
        return self.geography in {None, "global"} or region.startswith(_GEOGRAPHIES[str(self.geography)])
