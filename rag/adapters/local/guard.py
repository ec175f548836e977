"""Builds the guard that ACERVO_GUARD names, and imports no other."""

from rag.errors import SettingInvalid
from rag.ports import PassageGuard
from rag.settings import GuardSettings


def build_guard(settings: GuardSettings) -> PassageGuard | None:
    """None: passages are not looked at. Raises SettingInvalid."""
    name = settings.guard.strip()
    if name == "off":
        return None
    if name == "patterns":
        from rag.adapters.local.injection import InjectionPatterns  # noqa: PLC0415 - only where it is used

        return InjectionPatterns()
    if name == "bedrock":
        return _bedrock(settings)
    raise SettingInvalid(f"ACERVO_GUARD is {settings.guard!r}; it must be patterns, bedrock or off")


def _bedrock(settings: GuardSettings) -> PassageGuard:
    try:
        from rag.adapters.bedrock.guardrail import BedrockGuard  # noqa: PLC0415 - boto3 takes half a second
    except ModuleNotFoundError as error:
        raise SettingInvalid(f"ACERVO_GUARD=bedrock needs {error.name}: pip install 'acervo[aws]'") from error
    return BedrockGuard(threshold=settings.guard_threshold)
