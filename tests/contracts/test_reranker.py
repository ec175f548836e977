"""What every reranker promises."""

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.adapters.bedrock.rerank import BedrockReranker
from rag.adapters.local.rerank import HttpReranker, ModelDocuments, QueryTexts
from rag.adapters.sagemaker.rerank import SageMakerReranker
from rag.ports import Reranker
from tests.doubles.bedrock_server import bedrock_server
from tests.doubles.embeddings_server import API_KEY
from tests.doubles.model_clients import client_of, endpoint_of
from tests.doubles.passages import passage
from tests.doubles.rerank_server import rerank_server
from tests.doubles.sagemaker_server import sagemaker_server

QUERY = "when is the payment of an invoice due"
ANSWER = "The payment of each invoice is due in thirty days."
TEXTS = ["Our cat sleeps on the roof.", ANSWER, "The invoice has a number.", "Lunch is at noon."]
ODD = ["", " ", "\n\t", "\0", "a\0b", "😀👩‍👩‍👧", "\ud800", "\u202e", "日本語", "x" * 40_000]


@contextmanager
def _bedrock() -> Iterator[Reranker]:
    with (
        bedrock_server() as server,
        closing(
            BedrockReranker("cohere.rerank-v3-5:0", client=client_of(server, "bedrock-agent-runtime"))
        ) as reranker,
    ):
        yield reranker


@contextmanager
def _openai() -> Iterator[Reranker]:
    with (
        rerank_server() as server,
        closing(HttpReranker(f"{server.url}/v1", "words", ModelDocuments("words"), API_KEY)) as reranker,
    ):
        yield reranker


@contextmanager
def _tei() -> Iterator[Reranker]:
    with (
        rerank_server() as server,
        closing(HttpReranker(server.url, "words", QueryTexts(), API_KEY)) as reranker,
    ):
        yield reranker


@contextmanager
def _sagemaker() -> Iterator[Reranker]:
    with (
        sagemaker_server() as server,
        closing(SageMakerReranker(endpoint_of(server, "rerank"))) as reranker,
    ):
        yield reranker


ADAPTERS: dict[str, Callable[[], AbstractContextManager[Reranker]]] = {
    "bedrock": _bedrock,
    "openai": _openai,
    "tei": _tei,
    "sagemaker": _sagemaker,
}


@pytest.fixture(scope="module", params=ADAPTERS)
def reranker(request: pytest.FixtureRequest) -> Iterator[Reranker]:
    with ADAPTERS[request.param]() as built:
        yield built


def _scores(reranker: Reranker, texts: list[str], query: str = QUERY) -> list[float]:
    return reranker.rerank(query, [passage(text, ordinal=number) for number, text in enumerate(texts)])


def test_names_its_model(reranker: Reranker) -> None:
    assert reranker.model_id


def test_what_answers_the_question_scores_highest(reranker: Reranker) -> None:
    scores = _scores(reranker, TEXTS)
    assert len(scores) == len(TEXTS)
    assert scores[TEXTS.index(ANSWER)] == max(scores) > sorted(scores)[-2]


def test_scores_stand_in_the_order_of_the_passages(reranker: Reranker) -> None:
    assert _scores(reranker, TEXTS[::-1]) == _scores(reranker, TEXTS)[::-1]


def test_nothing_to_rerank(reranker: Reranker) -> None:
    assert _scores(reranker, []) == []


@pytest.mark.parametrize("count", [1, 31, 32, 33, 100, 101, 250, 1_001])
def test_any_number_of_passages(reranker: Reranker, count: int) -> None:
    texts = [" ".join(QUERY.split()[: number % 9]) or "none" for number in range(count)]
    best_first = sorted(zip(_scores(reranker, texts), texts, strict=True), reverse=True)
    assert len(best_first) == count
    assert all(
        len(one[1].split()) >= len(other[1].split())
        for one, other in pairwise(best_first)
        if other[1] != "none"
    )


@pytest.mark.parametrize("text", ODD, ids=lambda text: repr(text[:8]))
def test_odd_texts_have_scores_too(reranker: Reranker, text: str) -> None:
    assert all(map(math.isfinite, _scores(reranker, [text, ANSWER])))
    assert len(_scores(reranker, [ANSWER], query=text)) == 1


@settings(max_examples=25)
@given(texts=st.lists(st.text(max_size=60), max_size=5))
def test_one_finite_score_for_any_text(reranker: Reranker, texts: list[str]) -> None:
    scores = _scores(reranker, texts)
    assert len(scores) == len(texts)
    assert all(map(math.isfinite, scores))
