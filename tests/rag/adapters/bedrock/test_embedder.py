"""What goes over the wire to Bedrock, and what happens when it throttles, fails and stalls."""

import json
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from random import Random
from time import monotonic
from typing import Any

import pytest

from rag.adapters.bedrock.embedder import BedrockEmbedder
from rag.adapters.bedrock.limiter import Limiter
from rag.errors import ModelResponseInvalid, ModelUnavailable, SettingInvalid, Throttled
from tests.doubles.bedrock_client import bedrock_client, embedder_of
from tests.doubles.bedrock_server import (
    BedrockServer,
    Behaviour,
    Reply,
    bedrock_server,
    failure,
    throttling,
)

TITAN = "amazon.titan-embed-text-v2:0"
COHERE_V3 = "cohere.embed-multilingual-v3"
COHERE_V4 = "cohere.embed-v4:0"
TEXTS = [f"text number {number}" for number in range(200)]


class Clock:
    """A hundred times as fast as the real one: waiting takes no time worth a word."""

    def __call__(self) -> float:
        return monotonic() * 100

    def sleep(self, seconds: float) -> None:
        threading.Event().wait(seconds / 100)


@dataclass(frozen=True, kw_only=True)
class Setup:
    server: BedrockServer
    embedder: BedrockEmbedder


@pytest.fixture
def titan() -> Iterator[Setup]:
    clock = Clock()
    limiter = Limiter(clock=clock, sleep=clock.sleep, concurrency=16)
    with bedrock_server() as server, embedder_of(server, limiter=limiter) as embedder:
        yield Setup(server=server, embedder=embedder)


def bodies(server: BedrockServer) -> list[Any]:
    return [json.loads(request.body) for request in server.requests]


def assert_paid_once(server: BedrockServer, texts: list[str]) -> None:
    assert [server.times_embedded(text) for text in texts] == [1] * len(texts)


def test_titan_takes_one_text_a_call(titan: Setup) -> None:
    titan.embedder.embed_documents(TEXTS[:3])
    assert sorted(body["inputText"] for body in bodies(titan.server)) == TEXTS[:3]
    for body in bodies(titan.server):
        assert (body["dimensions"], body["normalize"]) == (1024, True)
    assert {request.path for request in titan.server.requests} == {
        "/model/amazon.titan-embed-text-v2%3A0/invoke"
    }


@pytest.mark.parametrize(("model_id", "truncate"), [(COHERE_V3, "END"), (COHERE_V4, "RIGHT")])
def test_cohere_takes_96_texts_a_call_and_their_purpose(model_id: str, truncate: str) -> None:
    with bedrock_server() as server, embedder_of(server, model_id, dimensions=1024) as embedder:
        embedder.embed_documents(TEXTS)
        embedder.embed_query("question")
        documents, query = bodies(server)[:-1], bodies(server)[-1]
    assert sorted(len(body["texts"]) for body in documents) == [8, 96, 96]
    assert {body["input_type"] for body in documents} == {"search_document"}
    assert (query["input_type"], query["texts"]) == ("search_query", ["question"])
    for body in [*documents, query]:
        assert (body["truncate"], body["embedding_types"]) == (truncate, ["float"])
        assert body.get("output_dimension", 1024) == 1024


def test_an_inference_profile_serves_the_same_model() -> None:
    with bedrock_server() as server:
        server.planned.append(failure(400, "ValidationException", "stop here"))
        with embedder_of(server, "us.cohere.embed-v4:0") as embedder, pytest.raises(ModelResponseInvalid):
            embedder.embed_query("text")
        assert server.requests[0].path == "/model/us.cohere.embed-v4%3A0/invoke"
    assert (embedder.model.id, embedder.model.dimensions) == (COHERE_V4, 1536)


def test_a_text_longer_than_the_model_reads_is_embedded_by_its_beginning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with bedrock_server() as server, embedder_of(server, COHERE_V3) as embedder:
        with caplog.at_level(logging.WARNING, logger="acervo"):
            embedder.embed_documents(["a" * 3000, "b" * 3000])
        assert [len(text) for text in bodies(server)[0]["texts"]] == [2048, 2048]
    assert len(caplog.records) == 1


def test_a_text_of_more_tokens_than_titan_reads_is_shortened_until_it_fits(titan: Setup) -> None:
    titan.embedder.embed_documents(["1 " * 20_000])
    lengths = [len(body["inputText"]) for body in bodies(titan.server)]
    assert lengths == sorted(lengths, reverse=True)
    assert 8192 < lengths[-1] <= 2 * 8192


def test_a_quota_delays_and_loses_nothing() -> None:
    behaviour = Behaviour(latency=0.01, requests_per_second=200)
    with bedrock_server(behaviour) as server, embedder_of(server) as embedder:
        started = monotonic()
        assert len(embedder.embed_documents(TEXTS)) == len(TEXTS)
        assert monotonic() - started >= 0.8
        assert server.statistics.throttled > 0


def test_a_token_quota_too() -> None:
    with (
        bedrock_server(Behaviour(tokens_per_second=400)) as server,
        embedder_of(server, COHERE_V4) as embedder,
    ):
        embedder.embed_documents([f"{text} with some more words" for text in TEXTS])
        assert server.statistics.answered == 3


def test_a_storm_of_throttling_and_failures_loses_nothing_and_pays_once(titan: Setup) -> None:
    random = Random(7)
    throttles = [throttling(), throttling("Too many tokens"), throttling(retry_after="1")]
    replies = [random.choice(throttles) if random.random() < 0.4 else None for _ in range(400)]
    # No text can meet more failures than a call survives.
    failures = [failure(503, "ServiceUnavailableException", "busy"), Reply(hang_up=True), Reply(body=b"{")]
    for reply in failures:
        replies[random.randrange(100)] = reply
    titan.server.planned.extend(replies)
    assert len(titan.embedder.embed_documents(TEXTS)) == len(TEXTS)
    assert titan.server.statistics.throttled > 50
    assert_paid_once(titan.server, TEXTS)


def test_nobody_asks_while_the_model_asks_for_time() -> None:
    behaviour = Behaviour()
    with bedrock_server(behaviour) as server, embedder_of(server) as embedder:
        embedder.embed_documents(TEXTS[:64])
        asked_at = monotonic()
        server.planned.append(throttling(retry_after="1"))
        embedder.embed_query("first")
        assert monotonic() - asked_at >= 1


def test_a_model_that_never_succeeds_is_throttled_in_the_end() -> None:
    limiter = Limiter(patience=0.5)
    with (
        bedrock_server(Behaviour(fault=lambda _: throttling())) as server,
        embedder_of(server, limiter=limiter) as embedder,
        pytest.raises(Throttled, match="Too many requests"),
    ):
        embedder.embed_documents(TEXTS)


def test_a_pause_longer_than_the_patience_is_left_to_the_caller(titan: Setup) -> None:
    titan.server.planned.append(throttling(retry_after="90"))
    with pytest.raises(Throttled) as raised:
        titan.embedder.embed_query("text")
    assert raised.value.retry_after_seconds == 90


def test_a_query_does_not_wait_for_long() -> None:
    clock = Clock()
    limiter = Limiter(clock=clock, sleep=clock.sleep)
    with bedrock_server() as server, embedder_of(server, limiter=limiter) as embedder:
        server.planned.append(throttling(retry_after="50"))
        with pytest.raises(Throttled, match="within 15 seconds"):
            embedder.embed_query("text")


MALFORMED = {
    "not JSON": b"<html>",
    "cut off": b'{"embedding": [0.1',
    "no embedding": b'{"inputTextTokenCount": 1}',
    "not a list": b'{"embedding": "near"}',
    "not numbers": b'{"embedding": [null, {}]}',
    "too short": json.dumps({"embedding": [0.5] * 512}).encode(),
    "not finite": json.dumps({"embedding": [0.5] * 1023 + [float("nan")]}).encode(),
    "infinite": json.dumps({"embedding": [0.5] * 1023 + [float("inf")]}).encode(),
    "without a direction": json.dumps({"embedding": [0.0] * 1024}).encode(),
    "a list": b"[]",
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_answer_is_asked_for_again_and_then_an_error(titan: Setup, body: bytes) -> None:
    titan.server.planned.extend([Reply(body=body)] * 3)
    assert titan.embedder.embed_documents(["text"])
    titan.server.planned.extend([Reply(body=body)] * 4)
    with pytest.raises(ModelResponseInvalid):
        titan.embedder.embed_documents(["text"])


def test_fewer_embeddings_than_texts_are_malformed() -> None:
    clock = Clock()
    limiter = Limiter(clock=clock, sleep=clock.sleep)
    body = json.dumps({"embeddings": {"float": [[0.5] * 1024]}}).encode()
    with bedrock_server() as server, embedder_of(server, COHERE_V3, limiter=limiter) as embedder:
        server.planned.extend([Reply(body=body)] * 4)
        with pytest.raises(ModelResponseInvalid, match="2 texts"):
            embedder.embed_documents(["one", "two"])


PASSING = {
    "hang up": Reply(hang_up=True),
    "internal": failure(500, "InternalServerException", "oops"),
    "gateway": Reply(status=502, body=b"<html>bad gateway</html>"),
    "not ready": failure(429, "ModelNotReadyException", "warming up"),
    "time-out": failure(408, "ModelTimeoutException", "too slow"),
}


@pytest.mark.parametrize("reply", PASSING.values(), ids=PASSING)
def test_a_failure_that_passes_is_not_seen(titan: Setup, reply: Reply) -> None:
    titan.server.planned.extend([reply] * 3)
    assert titan.embedder.embed_documents(["text"])
    titan.server.planned.extend([reply] * 4)
    with pytest.raises(ModelUnavailable):
        titan.embedder.embed_documents(["text"])


REFUSED = [
    (failure(403, "AccessDeniedException", "no"), SettingInvalid, "bedrock:InvokeModel"),
    (failure(404, "ResourceNotFoundException", "no"), SettingInvalid, "in this region"),
    (failure(403, "UnrecognizedClientException", "no"), SettingInvalid, "credentials"),
    (failure(403, "ExpiredTokenException", "no"), SettingInvalid, "credentials"),
    (failure(400, "ValidationException", "no"), ModelResponseInvalid, "400"),
]


@pytest.mark.parametrize(("reply", "error", "words"), REFUSED)
def test_a_refusal_is_final(titan: Setup, reply: Reply, error: type[Exception], words: str) -> None:
    titan.server.planned.append(reply)
    with pytest.raises(error, match=words):
        titan.embedder.embed_query("text")
    assert titan.server.statistics.requests == 1


def test_vectors_come_before_the_error_that_ends_them(titan: Setup) -> None:
    titan.server.planned.extend([None] * 20)
    titan.server.planned.append(failure(400, "ValidationException", "no"))
    received: list[int] = []
    results = titan.embedder.embed_stream(TEXTS)
    with pytest.raises(ModelResponseInvalid):
        received.extend(number for finished in results for number, _ in finished)
    assert len(received) >= 20
    assert len(received) == sum(titan.server.embedded.values())


def test_a_closed_stream_asks_no_more_and_leaves_no_thread(titan: Setup) -> None:
    titan.server.behaviour.latency = 0.02
    stream = titan.embedder.embed_stream(f"text {number}" for number in count())
    assert any(stream)
    stream.close()
    asked = titan.server.statistics.requests
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("bedrock_")]
    assert titan.embedder.embed_query("later")
    assert titan.server.statistics.requests == asked + 1


def test_a_stall_is_no_silence() -> None:
    with bedrock_server() as server, embedder_of(server) as embedder:
        server.planned.append(Reply(delay=3))
        results = embedder.embed_stream(["text"])
        started = monotonic()
        assert next(results) == []
        assert monotonic() - started < 5
        results.close()


def test_streams_share_one_limit() -> None:
    behaviour = Behaviour(latency=0.02)
    most, now, counting = 0, 0, threading.Lock()

    with bedrock_server(behaviour) as server:
        client = bedrock_client(server.url)
        invoke = client.invoke_model

        class Counting:
            def invoke_model(self, **request: Any) -> Any:
                nonlocal most, now
                with counting:
                    now += 1
                    most = max(most, now)
                answer = invoke(**request)
                with counting:
                    now -= 1
                return answer

        embedder = BedrockEmbedder(TITAN, limiter=Limiter(concurrency=5), client=Counting())
        with ThreadPoolExecutor(4) as pool:
            assert [*map(len, pool.map(embedder.embed_documents, [TEXTS[:40]] * 4))] == [40] * 4
        client.close()
    assert most == 5


def test_tokens_are_counted_by_the_bytes(titan: Setup) -> None:
    assert titan.embedder.count_tokens(["", "abc", "abcd", "abcde", "日本"]) == [0, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("model_id", "dimensions"),
    [("amazon.titan-embed-text-v1", None), ("", None), (TITAN, 384), (COHERE_V3, 512), (COHERE_V4, 0)],
)
def test_unknown_models_and_dimensions_are_refused(model_id: str, dimensions: int | None) -> None:
    with pytest.raises(SettingInvalid, match="ACERVO_EMBEDDING"):
        BedrockEmbedder(model_id, dimensions=dimensions, client=object())
