"""What every generator promises."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.cite import locate
from app.prompt import grounded_prompt
from rag.adapters.local.extractive import ExtractiveGenerator
from rag.adapters.local.openai_chat import OpenAIChatGenerator
from rag.adapters.local.wordllama import WordLlamaEmbedder
from rag.adapters.sagemaker.generator import SageMakerGenerator
from rag.domain.answers import Claim, Completed, GenerationEvent, Prompt, Style, TextDelta
from rag.domain.search import Passage, TermStatistics
from rag.ports import Generator
from tests.doubles.bedrock_generator import generator_of
from tests.doubles.bedrock_server import bedrock_server
from tests.doubles.chat_server import API_KEY, chat_server
from tests.doubles.model_clients import endpoint_of
from tests.doubles.passages import passage
from tests.doubles.sagemaker_server import sagemaker_server

QUESTION = "How many days of notice does ending the contract take?"
NOTICE = "Either party may end the contract with sixty days of written notice."
PASSAGES = (
    passage(f"Our office has a garden. {NOTICE} The garden is open on Fridays.", document="doc_1"),
    passage("Lunch is served at noon. Coffee is free for everybody.", document="doc_2"),
)
SENTENCES = st.lists(
    st.text("abc dé1,;\n", min_size=1, max_size=40).map(lambda text: f"{text.strip()} notice."), max_size=5
)


@contextmanager
def _extractive() -> Iterator[Generator]:
    yield ExtractiveGenerator(WordLlamaEmbedder())


@contextmanager
def _openai() -> Iterator[Generator]:
    with chat_server() as server:
        yield OpenAIChatGenerator(server.base_url, "quotes", API_KEY, max_retries=0)


@contextmanager
def _bedrock() -> Iterator[Generator]:
    with bedrock_server() as server, generator_of(server, "us.anthropic.claude-haiku-5-5") as generator:
        yield generator


@contextmanager
def _bedrock_markers() -> Iterator[Generator]:
    with bedrock_server() as server, generator_of(server, "us.amazon.nova-lite-v1:0") as generator:
        yield generator


@contextmanager
def _sagemaker() -> Iterator[Generator]:
    with sagemaker_server() as server, closing(SageMakerGenerator(endpoint_of(server, "chat"))) as generator:
        yield generator


ADAPTERS: dict[str, Callable[[], AbstractContextManager[Generator]]] = {
    "extractive": _extractive,
    "openai": _openai,
    "sagemaker": _sagemaker,
    "bedrock": _bedrock,
    "bedrock-markers": _bedrock_markers,
}


@pytest.fixture(scope="module", params=ADAPTERS)
def generator(request: pytest.FixtureRequest) -> Iterator[Generator]:
    with ADAPTERS[request.param]() as built:
        yield built


def _prompt(
    question: str = QUESTION, passages: tuple[Passage, ...] = PASSAGES, style: Style = Style.ANSWER
) -> Prompt:
    terms = TermStatistics(chunk_count=1000, document_frequency={"contract": 20, "day": 50, "end": 50})
    return grounded_prompt(question, passages=passages, terms=terms, style=style)


def _text(events: list[GenerationEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def _claims(events: list[GenerationEvent]) -> list[Claim]:
    return [event for event in events if isinstance(event, Claim)]


def test_answers_with_the_sentence_that_says_it(generator: Generator) -> None:
    events = list(generator.generate(_prompt()))
    assert NOTICE in _text(events)
    assert any(claim.passage == 0 and claim.quote == NOTICE for claim in _claims(events))


def test_a_claim_spans_the_text_it_proves(generator: Generator) -> None:
    events = list(generator.generate(_prompt()))
    claim = next(claim for claim in _claims(events) if claim.quote == NOTICE)
    assert _text(events)[claim.start : claim.end] == NOTICE


def test_completes_once_and_last(generator: Generator) -> None:
    events = list(generator.generate(_prompt()))
    assert [isinstance(event, Completed) for event in events] == [False] * (len(events) - 1) + [True]


def test_says_nothing_without_evidence(generator: Generator) -> None:
    events = list(generator.generate(_prompt("Which volcano erupted in Iceland?")))
    assert [type(event) for event in events] == [Completed]


def test_may_be_left_half_way(generator: Generator) -> None:
    events = generator.generate(_prompt())
    next(events)
    close = getattr(events, "close", None)
    assert close is not None
    close()
    assert list(events) == []


@pytest.mark.parametrize("style", list(Style))
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=SENTENCES)
def test_claims_are_of_the_text_and_quotes_of_their_passages(
    generator: Generator, style: Style, texts: list[str]
) -> None:
    passages = (*PASSAGES, passage(" ".join(texts), document="doc_3"))
    events = list(generator.generate(_prompt(passages=passages, style=style)))
    for claim in _claims(events):
        assert 0 <= claim.start < claim.end <= len(_text(events))
        assert locate(claim.quote, passages[claim.passage]) is not None
