"""Builds the generator that ACERVO_GENERATION names, and imports no other."""

from collections.abc import Callable, Mapping
from typing import Final

from rag.adapters.fallback import FallbackGenerator
from rag.errors import SettingInvalid
from rag.ports import Embedder, Generator
from rag.settings import GenerationSettings

EmbedderFactory = Callable[[], Embedder]


def build_generator(settings: GenerationSettings, embedder_factory: EmbedderFactory) -> Generator:
    """Raises SettingInvalid where a setting names no generator or one that cannot be had."""
    primary = _build(settings, embedder_factory)
    if not settings.generation_fallback.strip():
        return primary
    return FallbackGenerator(primary, _fallback(settings, embedder_factory))


def _fallback(settings: GenerationSettings, embedder_factory: EmbedderFactory) -> Generator:
    its_own = {
        "generation": settings.generation_fallback,
        "generation_api_key": settings.generation_fallback_api_key,
    }
    try:
        return _build(settings.model_copy(update=its_own), embedder_factory)
    except SettingInvalid as error:
        raise SettingInvalid(f"ACERVO_GENERATION_FALLBACK: {error}") from error


def _build(settings: GenerationSettings, embedder_factory: EmbedderFactory) -> Generator:
    name, _, argument = settings.generation.strip().partition(":")
    if name not in _BUILDERS:
        raise SettingInvalid(
            f"ACERVO_GENERATION is {settings.generation!r}; it must be"
            " extractive, openai:<base url>#<model>, bedrock:<model id> or"
            " sagemaker:<endpoint>[/<inference component>][#<model>]"
        )
    return _BUILDERS[name](argument, settings, embedder_factory)


# Each builder imports its own adapter: LangChain alone takes two seconds (2 cores, November 2026).
def _extractive(argument: str, _: GenerationSettings, embedder_factory: EmbedderFactory) -> Generator:
    from rag.adapters.local.extractive import ExtractiveGenerator  # noqa: PLC0415 - see above

    if argument:
        raise SettingInvalid(f"ACERVO_GENERATION=extractive takes nothing after it, not {argument!r}")
    return ExtractiveGenerator(embedder_factory())


def _openai(argument: str, settings: GenerationSettings, _: EmbedderFactory) -> Generator:
    base_url, _sign, model = argument.rpartition("#")
    if not base_url or not model:
        raise SettingInvalid(
            "ACERVO_GENERATION=openai:<base url>#<model> lacks the base URL or the model, "
            "for example openai:http://localhost:11434/v1#llama3.2"
        )
    try:
        from rag.adapters.local.openai_chat import OpenAIChatGenerator  # noqa: PLC0415 - see above
    except ModuleNotFoundError as error:
        raise SettingInvalid(
            f"ACERVO_GENERATION=openai needs {error.name}: pip install 'acervo[openai]'"
        ) from error
    key = settings.generation_api_key
    return OpenAIChatGenerator(base_url, model, key.get_secret_value() if key else None)


def _bedrock(model_id: str, settings: GenerationSettings, _: EmbedderFactory) -> Generator:
    try:
        from rag.adapters.bedrock.generator import BedrockGenerator, Guardrail  # noqa: PLC0415 - see above
    except ModuleNotFoundError as error:
        raise SettingInvalid(
            f"ACERVO_GENERATION=bedrock:… needs {error.name}: pip install 'acervo[aws]'"
        ) from error
    # The id may be an ARN.
    guardrail_id, _sign, version = settings.generation_guardrail.strip().rpartition(":")
    if settings.generation_guardrail.strip() and not (guardrail_id and version):
        raise SettingInvalid(
            "ACERVO_GENERATION_GUARDRAIL=<guardrail id>:<version> lacks the id or the version"
        )
    return BedrockGenerator(
        model_id,
        guardrail=Guardrail(id=guardrail_id, version=version) if guardrail_id else None,
        stall_seconds=settings.generation_stall_seconds,
    )


def _sagemaker(argument: str, _: GenerationSettings, _embedder: EmbedderFactory) -> Generator:
    try:
        from rag.adapters.sagemaker.endpoint import Endpoint  # noqa: PLC0415 - see above
        from rag.adapters.sagemaker.generator import SageMakerGenerator  # noqa: PLC0415 - see above
    except ModuleNotFoundError as error:
        raise SettingInvalid(
            f"ACERVO_GENERATION=sagemaker:… needs {error.name}: pip install 'acervo[aws]'"
        ) from error
    address, _sign, model = argument.partition("#")
    return SageMakerGenerator(Endpoint(address, setting="ACERVO_GENERATION"), model=model or None)


_BUILDERS: Final[Mapping[str, Callable[[str, GenerationSettings, EmbedderFactory], Generator]]] = {
    "extractive": _extractive,
    "openai": _openai,
    "bedrock": _bedrock,
    "sagemaker": _sagemaker,
}
