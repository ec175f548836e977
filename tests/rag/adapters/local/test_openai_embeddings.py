"""What goes over the wire to an embeddings server, and what happens when it fails."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from rag.adapters.local.openai_embeddings import OpenAIEmbedder
from rag.errors import ModelResponseInvalid, ModelUnavailable, SettingInvalid, Throttled
from tests.doubles.embeddings_server import API_KEY, EmbeddingsServer, Reply, body_of, embeddings_server


@dataclass(frozen=True, kw_only=True)
class Client:
    """An embedder of a server of its own; `pauses` are recorded, not waited for."""

    server: EmbeddingsServer
    embedder: OpenAIEmbedder
    pauses: list[float] = field(default_factory=list)


@pytest.fixture
def client() -> Iterator[Client]:
    pauses: list[float] = []
    with embeddings_server() as server:
        embedder = OpenAIEmbedder(server.base_url + "/", "tiny", API_KEY, pause=pauses.append)
        with closing(embedder):
            yield Client(server=server, embedder=embedder, pauses=pauses)


def test_texts_go_in_batches(client: Client) -> None:
    assert len(client.embedder.embed_documents([f"text {number}" for number in range(130)])) == 130
    assert [len(request["input"]) for request in client.server.requests] == [64, 64, 2]
    assert {request["model"] for request in client.server.requests} == {"tiny"}


def test_dimensions_are_learnt_once(client: Client) -> None:
    assert client.embedder.model == client.embedder.model
    assert len(client.server.requests) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_failure_that_passes_is_not_seen(client: Client, status: int) -> None:
    client.server.planned.extend([Reply(status=status)] * 3)
    assert client.embedder.embed_query("text")
    assert len(client.pauses) == 3
    for pause, ceiling in zip(client.pauses, [0.5, 1.0, 2.0], strict=True):
        assert ceiling / 2 <= pause <= ceiling


def test_the_server_says_how_long_to_wait(client: Client) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    asked = ["7", soon, "when I please"]
    client.server.planned.extend(Reply(status=429, headers={"Retry-After": value}) for value in asked)
    client.embedder.embed_query("text")
    assert client.pauses[0] == 7
    assert 10 < client.pauses[1] <= 20
    assert client.pauses[2] <= 2


def test_a_long_wait_is_the_caller_s_to_make(client: Client) -> None:
    client.server.planned.append(Reply(status=429, headers={"Retry-After": "600"}))
    with pytest.raises(Throttled) as raised:
        client.embedder.embed_query("text")
    assert raised.value.retry_after_seconds == 600
    assert client.pauses == []


@pytest.mark.parametrize(
    ("status", "error"), [(429, Throttled), (500, ModelUnavailable), (529, ModelUnavailable)]
)
def test_a_failure_that_stays_is_retryable_later(client: Client, status: int, error: type[Exception]) -> None:
    client.server.planned.extend([Reply(status=status, body=b"no capacity")] * 4)
    with pytest.raises(error, match="no capacity"):
        client.embedder.embed_query("text")
    assert len(client.server.requests) == 4


def test_a_server_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    pauses: list[float] = []
    with (
        closing(OpenAIEmbedder(f"http://127.0.0.1:{port}/v1", "tiny", pause=pauses.append)) as embedder,
        pytest.raises(ModelUnavailable, match="does not answer"),
    ):
        embedder.embed_query("text")
    assert len(pauses) == 3


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(401, "ACERVO_EMBEDDING_API_KEY"), (403, "ACERVO_EMBEDDING_API_KEY"), (404, "base URL")],
)
def test_what_the_operator_must_change_is_said(client: Client, status: int, remedy: str) -> None:
    client.server.planned.append(Reply(status=status))
    with pytest.raises(SettingInvalid, match=remedy):
        client.embedder.embed_query("text")
    assert len(client.server.requests) == 1


def test_the_key_is_in_no_error(client: Client) -> None:
    client.server.planned.append(Reply(status=401))
    with pytest.raises(SettingInvalid) as raised:
        client.embedder.embed_query("text")
    assert API_KEY not in str(raised.value)


NUMBERS = [0.5, 0.5]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"data": []}',
        b'{"data": null}',
        b'{"data": [{"index": 0, "embedding": [NaN, 1]}, {"index": 1, "embedding": [1, 1]}]}',
        b'{"data": [{"index": 0, "embedding": [1e999, 1]}, {"index": 1, "embedding": [1, 1]}]}',
        b'{"data": [{"index": 0, "embedding": []}, {"index": 1, "embedding": []}]}',
        b'{"data": [{"index": 0, "embedding": "AACAPw=="}, {"index": 1, "embedding": "AACAPw=="}]}',
        json.dumps({"data": [{"index": 0, "embedding": NUMBERS}]}).encode(),
        json.dumps({"data": [{"index": 0, "embedding": NUMBERS}] * 2}).encode(),
        json.dumps({"data": [{"index": i, "embedding": NUMBERS} for i in range(3)]}).encode(),
        body_of(["a", "bb"], lambda text: [1.0] * len(text)),
    ],
)
def test_a_response_that_is_not_embeddings_is_refused(client: Client, body: bytes) -> None:
    client.server.planned.append(Reply(body=body))
    with pytest.raises(ModelResponseInvalid):
        client.embedder.embed_documents(["one", "two"])


def test_a_refused_request_is_not_sent_again(client: Client) -> None:
    client.server.planned.append(Reply(status=400, body=b"input too long"))
    with pytest.raises(ModelResponseInvalid, match="input too long"):
        client.embedder.embed_query("text")
    assert len(client.server.requests) == 1


def test_dimensions_may_not_change(client: Client) -> None:
    client.embedder.embed_query("text")
    client.server.planned.append(Reply(body=body_of(["text"], lambda _: [1.0, 2.0])))
    with pytest.raises(ModelResponseInvalid, match="dimensions"):
        client.embedder.embed_query("text")
