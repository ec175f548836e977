"""Endpoints of SageMaker as generators, and a second generator for when the first is unavailable."""

import pytest
from pydantic import SecretStr

from rag.adapters.fallback import FallbackGenerator
from rag.adapters.local.generation import build_generator
from rag.adapters.local.wordllama import WordLlamaEmbedder
from rag.adapters.sagemaker.generator import SageMakerGenerator
from rag.domain.answers import Completed, Prompt, TextDelta
from rag.errors import SettingInvalid
from rag.settings import GenerationSettings
from tests.doubles.chat_server import API_KEY, chat_server
from tests.doubles.model_clients import environment_of
from tests.doubles.sagemaker_server import sagemaker_server

ASLEEP = "sagemaker:chat-asleep/llama#llama"


def test_an_endpoint_of_sagemaker(monkeypatch: pytest.MonkeyPatch) -> None:
    with sagemaker_server() as server:
        for name, value in environment_of(server, "sagemaker-runtime").items():
            monkeypatch.setenv(name, value)
        generator = build_generator(GenerationSettings(generation="sagemaker:chat"), WordLlamaEmbedder)
        assert isinstance(generator, SageMakerGenerator)
        assert generator.model.id == "chat"
        assert list(generator.generate(Prompt(instructions="", input="a b")))
        generator.close()


def test_the_fallback_answers_with_its_own_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with sagemaker_server() as server, chat_server() as local:
        for name, value in environment_of(server, "sagemaker-runtime").items():
            monkeypatch.setenv(name, value)
        settings = GenerationSettings(
            generation=ASLEEP,
            generation_api_key=SecretStr("another"),
            generation_fallback=f"openai:{local.base_url}#counts-words",
            generation_fallback_api_key=SecretStr(API_KEY),
        )
        generator = build_generator(settings, WordLlamaEmbedder)
        assert isinstance(generator, FallbackGenerator)
        assert generator.model.id == "llama"
        *deltas, completed = generator.generate(Prompt(instructions="Count.", input="a b", model="llama"))
    assert isinstance(completed, Completed)
    assert completed.model == "counts-words"
    text = "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))
    assert text == '{"words": 2, "messages": 2}'


@pytest.mark.parametrize("setting", ["sagemaker", "sagemaker:", "sagemaker:/c", "sagemaker:a/"])
def test_an_endpoint_without_a_name_is_refused(setting: str) -> None:
    with pytest.raises(SettingInvalid, match="ACERVO_GENERATION"):
        build_generator(GenerationSettings(generation=setting), WordLlamaEmbedder)


def test_a_fallback_that_is_none_is_refused_by_its_setting_s_name() -> None:
    settings = GenerationSettings(generation="extractive", generation_fallback="claude")
    with pytest.raises(SettingInvalid, match="ACERVO_GENERATION_FALLBACK"):
        build_generator(settings, WordLlamaEmbedder)
