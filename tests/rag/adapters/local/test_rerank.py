"""Reranking over HTTP: what is sent, what failures become."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from rag.adapters.local.rerank import HttpReranker, ModelDocuments, QueryTexts
from rag.errors import AcervoError, ModelResponseInvalid, ModelUnavailable, SettingInvalid, Throttled
from tests.doubles.embeddings_server import API_KEY, Reply
from tests.doubles.passages import passage
from tests.doubles.rerank_server import RerankServer, rerank_server

PASSAGES = [passage("one two"), passage("two three")]


@pytest.fixture
def server() -> Iterator[RerankServer]:
    with rerank_server() as running:
        yield running


@pytest.fixture
def reranker(server: RerankServer) -> Iterator[HttpReranker]:
    built = HttpReranker(f"{server.url}/v1/", "words", ModelDocuments("words"), API_KEY, pause=lambda _: None)
    with closing(built):
        yield built


def _results(*results: Any) -> Reply:
    return Reply(body=json.dumps({"results": results}).encode())


def test_all_results_are_asked_for(server: RerankServer, reranker: HttpReranker) -> None:
    reranker.rerank("three", PASSAGES)
    assert server.requests == [
        {"model": "words", "query": "three", "documents": ["one two", "two three"], "top_n": 2}
    ]


def test_text_embeddings_inference_truncates(server: RerankServer) -> None:
    with closing(HttpReranker(server.url, "words", QueryTexts(), API_KEY)) as reranker:
        reranker.rerank("three", PASSAGES)
    assert server.requests[-1] == {"query": "three", "texts": ["one two", "two three"], "truncate": True}


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(status=401), SettingInvalid),
        (Reply(status=403), SettingInvalid),
        (Reply(status=404), SettingInvalid),
        (Reply(status=400, body=b"too long"), ModelResponseInvalid),
        (Reply(body=b"<html>"), ModelResponseInvalid),
        (Reply(body=b"[]"), ModelResponseInvalid),
        (Reply(body=b"{}"), ModelResponseInvalid),
        (_results({"index": 0, "relevance_score": 1}), ModelResponseInvalid),
        (_results(*[{"index": 0, "relevance_score": 1}] * 2), ModelResponseInvalid),
        (
            _results({"index": 0, "relevance_score": 1}, {"index": 2, "relevance_score": 1}),
            ModelResponseInvalid,
        ),
        (_results({"index": 0, "relevance_score": 1}, {"index": 1}), ModelResponseInvalid),
        (
            _results({"index": 0, "relevance_score": 1}, {"index": 1, "relevance_score": None}),
            ModelResponseInvalid,
        ),
    ],
)
def test_failures_become_our_errors(
    server: RerankServer, reranker: HttpReranker, reply: Reply, error: type[AcervoError]
) -> None:
    server.planned.append(reply)
    with pytest.raises(error):
        reranker.rerank("three", PASSAGES)


@pytest.mark.parametrize(("status", "error"), [(429, Throttled), (503, ModelUnavailable)])
def test_a_busy_server_is_asked_again(
    server: RerankServer, reranker: HttpReranker, status: int, error: type[AcervoError]
) -> None:
    server.planned.extend([Reply(status=status)] * 2)
    assert len(reranker.rerank("three", PASSAGES)) == 2
    server.planned.extend([Reply(status=status)] * 9)
    with pytest.raises(error):
        reranker.rerank("three", PASSAGES)


def test_a_wrong_key_names_the_setting(server: RerankServer) -> None:
    with (
        closing(HttpReranker(server.url, "words", QueryTexts(), "wrong")) as reranker,
        pytest.raises(SettingInvalid, match="ACERVO_RERANKING_API_KEY"),
    ):
        reranker.rerank("three", PASSAGES)
