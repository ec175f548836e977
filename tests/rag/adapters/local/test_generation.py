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
    "guardrail", ["", "gr1:3", "arn:aws:bedrock:us-east-1:123456789012:guardrail/gr1:DRAFT"]
)
def test_bedrock_is_named_with_its_model(monkeypatch: pytest.MonkeyPatch, guardrail: str) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    model_id = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc"
    for model in (model_id, "global.anthropic.claude-haiku-5-5", "us.amazon.nova-lite-v1:0"):
        settings = GenerationSettings(generation=f"bedrock:{model}", generation_guardrail=guardrail)
        generator = build_generator(settings, WordLlamaEmbedder)
        assert (generator.model.id, generator.model.generative) == (model, True)


@pytest.mark.parametrize("guardrail", ["gr1", "gr1:", ":1"])
def test_a_guardrail_has_an_id_and_a_version(guardrail: str) -> None:
    settings = GenerationSettings(generation="bedrock:x.y", generation_guardrail=guardrail)
    with pytest.raises(SettingInvalid, match="ACERVO_GENERATION_GUARDRAIL"):
        build_generator(settings, WordLlamaEmbedder)


@pytest.mark.parametrize(
    "setting",
    ["", "extractive:x", "claude", "openai", "openai:http://x/v1", "openai:#m", "openai:x#m", "bedrock:"],
)
def test_anything_else_names_the_setting(setting: str) -> None:
    with pytest.raises(SettingInvalid, match="ACERVO_GENERATION"):
        build_generator(GenerationSettings(generation=setting), WordLlamaEmbedder)
