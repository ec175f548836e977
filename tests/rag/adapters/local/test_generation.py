"""Which generator a setting builds."""

import pytest

from rag.adapters.local.generation import build_generator
from rag.adapters.local.wordllama import WordLlamaEmbedder
from rag.errors import SettingInvalid
from rag.settings import GenerationSettings


def test_extractive_is_not_generative() -> None:
    generator = build_generator(GenerationSettings(generation="extractive"), WordLlamaEmbedder)
    assert (generator.model.id, generator.model.generative) == ("extractive", False)


def test_an_openai_compatible_server_is() -> None:
    settings = GenerationSettings(generation="openai:http://localhost:11434/v1#llama3.2:1b")
    generator = build_generator(settings, WordLlamaEmbedder)
    assert (generator.model.id, generator.model.generative) == ("llama3.2:1b", True)


@pytest.mark.parametrize(
    "setting", ["", "extractive:x", "claude", "openai", "openai:http://x/v1", "openai:#m", "openai:x#m"]
)
def test_anything_else_names_the_setting(setting: str) -> None:
    with pytest.raises(SettingInvalid, match="ACERVO_GENERATION"):
        build_generator(GenerationSettings(generation=setting), WordLlamaEmbedder)
