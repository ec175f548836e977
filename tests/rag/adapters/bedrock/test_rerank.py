"""Reranking through Bedrock: pages, limits, failures."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from rag.adapters.bedrock.rerank import BedrockReranker
from rag.errors import AcervoError, ModelResponseInvalid, ModelUnavailable, SettingInvalid, Throttled
from tests.doubles.aws_http import Reply
from tests.doubles.aws_service import failure, throttling
from tests.doubles.bedrock_server import BedrockServer, bedrock_server
from tests.doubles.model_clients import client_of
from tests.doubles.passages import passage

PASSAGES = [passage("one two"), passage("two three")]


@pytest.fixture
def server() -> Iterator[BedrockServer]:
    with bedrock_server() as running:
        yield running


def _reranker(server: BedrockServer, model_id: str = "amazon.rerank-v1:0") -> BedrockReranker:
    client = client_of(server, "bedrock-agent-runtime")
    return BedrockReranker(model_id, client=client, pause=lambda _: None)


def test_pages_of_results_are_read_to_the_end(server: BedrockServer) -> None:
    with closing(_reranker(server)) as reranker:
        scores = reranker.rerank("three", [passage(f"text {number}") for number in range(250)])
    assert len(scores) == 250
    assert len(server.requests) == 3


def test_a_thousand_passages_are_one_request_s_most(server: BedrockServer) -> None:
    with closing(_reranker(server)) as reranker:
        scores = reranker.rerank("three", [*[passage("two")] * 1_100, passage("three")])
    assert scores.index(max(scores)) == 1_100


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (throttling(retry_after="60"), Throttled),
        (failure(403, "AccessDeniedException", "no"), SettingInvalid),
        (failure(400, "ValidationException", "no"), ModelResponseInvalid),
        (Reply(body=b'{"results": []}'), ModelResponseInvalid),
    ],
)
def test_failures_become_our_errors(server: BedrockServer, reply: Reply, error: type[AcervoError]) -> None:
    server.planned.append(reply)
    with closing(_reranker(server)) as reranker, pytest.raises(error):
        reranker.rerank("three", PASSAGES)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (throttling(), Throttled),
        (failure(502, "BadGatewayException", "no"), ModelUnavailable),
        (failure(424, "DependencyFailedException", "no"), ModelUnavailable),
    ],
)
def test_what_passes_is_asked_again(server: BedrockServer, reply: Reply, error: type[AcervoError]) -> None:
    with closing(_reranker(server)) as reranker:
        server.planned.extend([reply] * 2)
        assert len(reranker.rerank("three", PASSAGES)) == 2
        server.planned.extend([reply] * 3)
        with pytest.raises(error):
            reranker.rerank("three", PASSAGES)


def test_an_unknown_model_is_the_operator_s_to_change(server: BedrockServer) -> None:
    with closing(_reranker(server, "amazon.rerank-v9:0")) as reranker, pytest.raises(SettingInvalid):
        reranker.rerank("three", PASSAGES)
