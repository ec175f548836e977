"""Builds the generator that ACERVO_GENERATION names, and imports no other."""

from collections.abc import Callable, Mapping
from typing import Final

from rag.errors import SettingInvalid
from rag.ports import Embedder, Generator
from rag.settings import GenerationSettings

EmbedderFactory = Callable[[], Embedder]


def build_generator(settings: GenerationSettings, embedder_factory: EmbedderFactory) -> Generator:
    """Raises SettingInvalid where the setting names no generator or one that cannot be had."""
    name, _, argument = settings.generation.strip().partition(":")
    if name not in _BUILDERS:
        raise SettingInvalid(
            f"ACERVO_GENERATION is {settings.generation!r}; it must be"
            " extractive or openai:<base url>#<model>"
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


_BUILDERS: Final[Mapping[str, Callable[[str, GenerationSettings, EmbedderFactory], Generator]]] = {
    "extractive": _extractive,
    "openai": _openai,
}
