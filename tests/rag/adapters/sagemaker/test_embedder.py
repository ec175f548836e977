"""Embeddings from an endpoint: batches, dimensions, failures."""

import json
from collections.abc import Iterator
from contextlib import closing

import pytest

from rag.adapters.sagemaker.embedder import SageMakerEmbedder
from rag.errors import (
    AcervoError,
    ModelResponseInvalid,
    ModelStarting,
    ModelUnavailable,
    SettingInvalid,
    Throttled,
)
from tests.doubles.aws_http import Reply
from tests.doubles.model_clients import endpoint_of
from tests.doubles.sagemaker_server import SageMakerServer, sagemaker_server
from tests.doubles.sagemaker_tei import DIMENSIONS


@pytest.fixture
def server() -> Iterator[SageMakerServer]:
    with sagemaker_server() as running:
        yield running


def _embedder(server: SageMakerServer, name: str = "embed", model: str | None = None) -> SageMakerEmbedder:
    return SageMakerEmbedder(endpoint_of(server, name), model=model)


def test_collections_know_the_model_by_its_name_not_by_its_endpoint_s(server: SageMakerServer) -> None:
    with closing(_embedder(server, model="bge-m3")) as named, closing(_embedder(server)) as unnamed:
        assert (named.model.id, named.model.dimensions) == ("bge-m3", DIMENSIONS)
        assert unnamed.model.id == "embed"


def test_batches_are_no_larger_than_the_server_takes(server: SageMakerServer) -> None:
    with closing(_embedder(server)) as embedder:
        assert len(embedder.embed_documents([f"text {number}" for number in range(70)])) == 70
    assert [len(json.loads(request.body)["inputs"]) for request in server.requests] == [32, 32, 6]


def test_the_server_truncates(server: SageMakerServer) -> None:
    with closing(_embedder(server)) as embedder:
        assert len(embedder.embed_query("word " * 50_000)) == DIMENSIONS
    assert json.loads(server.requests[0].body)["truncate"] is True


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("embed-asleep", ModelStarting),
        ("embed-starting", ModelStarting),
        ("embed-throttles", Throttled),
        ("embed-overloaded", Throttled),
        ("embed-broken", ModelUnavailable),
        ("unknown", SettingInvalid),
    ],
)
def test_failures_become_our_errors(server: SageMakerServer, name: str, error: type[AcervoError]) -> None:
    with closing(_embedder(server, name)) as embedder, pytest.raises(error):
        embedder.embed_documents(["text"])


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"{}",
        b"[]",
        b"[[]]",
        b"[1, 2]",
        b"[[1, 2], [3, 4]]",
        b"[[1, null]]",
        b'[["a"]]',
        b"[[1], 2]",
    ],
)
def test_an_answer_that_is_not_embeddings(server: SageMakerServer, body: bytes) -> None:
    server.planned.append(Reply(body=body))
    with closing(_embedder(server)) as embedder, pytest.raises(ModelResponseInvalid):
        embedder.embed_query("text")


def test_other_dimensions_than_before_are_refused(server: SageMakerServer) -> None:
    with closing(_embedder(server)) as embedder:
        embedder.embed_query("text")
        server.planned.append(Reply(body=b"[[1, 2]]"))
        with pytest.raises(ModelResponseInvalid, match=f"2 dimensions, not {DIMENSIONS}"):
            embedder.embed_query("text")


def test_what_passes_is_asked_again(server: SageMakerServer) -> None:
    server.planned.extend([Reply(status=503), Reply(hang_up=True)])
    with closing(_embedder(server)) as embedder:
        assert len(embedder.embed_query("text")) == DIMENSIONS
