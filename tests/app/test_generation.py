"""Zero-shot and few-shot generation."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from app.generation import Completion, CompletionRequest, run, stream
from rag.adapters.local.extractive import ExtractiveGenerator
from rag.adapters.local.openai_chat import OpenAIChatGenerator
from rag.adapters.local.wordllama import WordLlamaEmbedder
from rag.domain.answers import Completed, Example, TextDelta
from rag.errors import GenerativeModelRequired, ModelResponseInvalid
from rag.ports import Generator
from tests.doubles.chat_server import API_KEY, chat_server
from tests.doubles.generators import ScriptedGenerator


@pytest.fixture
def model() -> Iterator[Generator]:
    with chat_server() as server:
        yield OpenAIChatGenerator(server.base_url, "counts-words", API_KEY, max_retries=0)


def _object(**properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def test_examples_are_part_of_the_prompt(model: Generator) -> None:
    examples = (Example(input="a", output="1"), Example(input="b c", output="2"))
    request = CompletionRequest(input="one two three", examples=examples, json_schema={})
    assert run(model, request).output == {"words": 3, "messages": 6}


def test_the_deltas_are_the_completions_text(model: Generator) -> None:
    *deltas, last = stream(model, CompletionRequest(input="one two"))
    assert isinstance(last, Completion)
    assert "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == last.text
    assert (last.model, last.output) == ("counts-words", None)
    assert last.usage.output_tokens > 0


def test_json_follows_its_schema_or_is_an_error(model: Generator) -> None:
    fitting = CompletionRequest(input="one", json_schema=_object(words={"type": "integer"}))
    assert run(model, fitting).output["words"] == 1
    unfitting = CompletionRequest(input="one", json_schema=_object(words={"type": "string"}))
    with pytest.raises(ModelResponseInvalid, match="/words is not of type string"):
        run(model, unfitting)


def test_what_is_no_json_is_an_error() -> None:
    generator = ScriptedGenerator(TextDelta(text='{"a": '), Completed(truncated=True))
    with pytest.raises(ModelResponseInvalid, match="max_tokens"):
        run(generator, CompletionRequest(input="x", json_schema={}))


def test_without_a_generative_model_the_setting_is_named() -> None:
    generator = ExtractiveGenerator(WordLlamaEmbedder())
    with pytest.raises(GenerativeModelRequired, match="ACERVO_GENERATION=openai:http"):
        run(generator, CompletionRequest(input="x"))


def test_leaving_the_stream_ends_the_models() -> None:
    generator = ScriptedGenerator(TextDelta(text="a"), TextDelta(text="b"), Completed())
    events = stream(generator, CompletionRequest(input="x"))
    next(events)
    close = getattr(events, "close", None)
    assert close is not None
    close()
    assert generator.closed == 1
