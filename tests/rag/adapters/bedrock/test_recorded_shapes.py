"""What Bedrock is known to answer: the adapter reads it, and the fake server answers alike."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rag.adapters.bedrock.errors import TextTooLong
from rag.errors import AcervoError, ModelResponseInvalid, SettingInvalid, Throttled
from tests.doubles.bedrock_client import bedrock_client, embedder_of
from tests.doubles.bedrock_server import BedrockServer, Behaviour, Reply, bedrock_server

RECORDED = {
    path.stem: json.loads(path.read_text())
    for path in Path(__file__).parents[3].joinpath("events", "bedrock").glob("*.json")
}
ANSWERS = {name: recorded for name, recorded in RECORDED.items() if recorded["status"] == 200}
TEXTS = ["hello world", "bonjour le monde"]

# Requests that the fake server should answer as recorded.
TITAN = "amazon.titan-embed-text-v2:0"
COHERE_V3 = "cohere.embed-multilingual-v3"
COHERE_V4 = "cohere.embed-v4:0"
REQUESTS: dict[str, tuple[str, Any]] = {
    "titan_v2": (TITAN, {"inputText": "hello world"}),
    "cohere_v3_by_type": (
        COHERE_V3,
        {"texts": TEXTS, "input_type": "search_document", "embedding_types": ["float"]},
    ),
    "cohere_v3_floats": (COHERE_V3, {"texts": TEXTS, "input_type": "search_document"}),
    "cohere_v4_by_type": (
        COHERE_V4,
        {"texts": TEXTS, "input_type": "search_document", "embedding_types": ["float"]},
    ),
    "validation_titan_tokens": (TITAN, {"inputText": "1 " * 9875}),
    "validation_cohere_length": (COHERE_V3, {"texts": ["a" * 2459], "input_type": "search_query"}),
    "validation_cohere_keys": (COHERE_V3, {"inputText": "hello world"}),
}

ERRORS: dict[str, type[AcervoError]] = {
    "throttling_requests": Throttled,
    "throttling_tokens": Throttled,
    "validation_titan_tokens": TextTooLong,
    "validation_cohere_length": ModelResponseInvalid,
    "validation_cohere_keys": ModelResponseInvalid,
    "validation_model_id": SettingInvalid,
    "validation_on_demand": SettingInvalid,
}


@pytest.fixture
def server() -> Iterator[BedrockServer]:
    with bedrock_server() as running:
        yield running


def shape(value: Any) -> Any:
    """Names and types, of a list those of its first item."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    return [shape(value[0])] if isinstance(value, list) else type(value).__name__


def widened(value: Any, dimensions: int) -> Any:
    """The recorded answer with vectors of a real length."""
    if isinstance(value, dict):
        return {name: widened(item, dimensions) for name, item in value.items()}
    if isinstance(value, list):
        is_vector = isinstance(value[0], float)
        return value * (dimensions // len(value)) if is_vector else [widened(i, dimensions) for i in value]
    return value


def replay(recorded: Any, body: Any) -> Reply:
    return Reply(status=recorded["status"], headers=recorded["headers"], body=json.dumps(body).encode())


def test_every_recorded_error_is_looked_at() -> None:
    assert {*ERRORS, *ANSWERS} == {*RECORDED}


@pytest.mark.parametrize("name", ANSWERS)
def test_the_adapter_reads_recorded_answers(server: BedrockServer, name: str) -> None:
    recorded = RECORDED[name]
    with embedder_of(server, recorded["model"]) as embedder:
        server.planned.append(replay(recorded, widened(recorded["body"], embedder.model.dimensions)))
        texts = TEXTS[: len(recorded["body"].get("texts", [""]))]
        first = embedder.embed_documents(texts)[0]
    vectors = recorded["body"].get("embedding") or recorded["body"]["embeddings"]
    vector = vectors["float"][0] if isinstance(vectors, dict) else vectors
    expected = vector[0] if isinstance(vector[0], list) else vector
    assert first[1] / first[0] == pytest.approx(expected[1] / expected[0], rel=1e-5)
    assert not server.planned


@pytest.mark.parametrize(("name", "meaning"), ERRORS.items())
def test_the_adapter_understands_recorded_errors(
    server: BedrockServer, name: str, meaning: type[AcervoError]
) -> None:
    recorded = RECORDED[name]
    reply = replay(recorded, recorded["body"])
    if meaning is Throttled:
        reply = Reply(status=reply.status, body=reply.body, headers={**reply.headers, "Retry-After": "99"})
    server.planned.append(reply)
    with embedder_of(server) as embedder, pytest.raises(meaning) as raised:
        embedder.embed_query("short")
    assert recorded["body"]["message"].strip() in raised.value.detail


@pytest.mark.parametrize("name", REQUESTS)
def test_the_fake_server_answers_as_recorded(server: BedrockServer, name: str) -> None:
    model, request = REQUESTS[name]
    status, headers, body = _raw(server, model, request)
    recorded = RECORDED[name]
    assert status == recorded["status"]
    assert shape(body) == shape(recorded["body"])
    assert {*recorded["headers"]} <= {*headers}
    if status != 200:
        assert headers["x-amzn-errortype"] == recorded["headers"]["x-amzn-errortype"]
        assert body == recorded["body"]


@pytest.mark.parametrize(
    ("name", "behaviour"),
    [
        ("throttling_requests", Behaviour(requests_per_second=0.001)),
        ("throttling_tokens", Behaviour(tokens_per_second=0.001)),
    ],
)
def test_the_fake_server_throttles_as_recorded(name: str, behaviour: Behaviour) -> None:
    with bedrock_server(behaviour) as server:
        _raw(server, TITAN, {"inputText": "first"})
        status, headers, body = _raw(server, TITAN, {"inputText": "second"})
    recorded = RECORDED[name]
    assert (status, body) == (recorded["status"], recorded["body"])
    assert headers["x-amzn-errortype"] == recorded["headers"]["x-amzn-errortype"]


@pytest.mark.parametrize(
    ("model", "request_body", "words"),
    [
        (TITAN, {"inputText": ""}, "minLength"),
        (TITAN, {"inputText": "a" * 50_001}, "maxLength: 50000"),
        (TITAN, {"inputText": "text", "dimensions": 384}, "dimensions"),
        (TITAN, {"inputText": "text", "texts": []}, "extraneous key"),
        (COHERE_V3, {"texts": ["a"] * 97, "input_type": "search_query"}, "maximum item count: 96"),
        (COHERE_V3, {"texts": ["a"], "input_type": "query"}, "input_type"),
        (COHERE_V3, {"texts": ["a"], "input_type": "search_query", "truncate": "RIGHT"}, "truncate"),
        (COHERE_V3, {"texts": ["1 " * 600], "input_type": "search_query"}, "too long"),
        (COHERE_V4, {"texts": ["a"], "input_type": "search_query", "output_dimension": 384}, "dimension"),
        ("unknown.model", {}, "model identifier is invalid"),
    ],
)
def test_the_fake_server_refuses_what_bedrock_refuses(
    server: BedrockServer, model: str, request_body: Any, words: str
) -> None:
    status, headers, body = _raw(server, model, request_body)
    assert (status, headers["x-amzn-errortype"].partition(":")[0]) == (400, "ValidationException")
    assert re.search(words, body["message"])


def _raw(server: BedrockServer, model: str, request: Any) -> tuple[int, dict[str, str], Any]:
    """Status, headers and body as boto3 sees them."""
    client = bedrock_client(server.url)
    try:
        response = client.invoke_model(modelId=model, body=json.dumps(request))
    except ClientError as error:
        metadata: Any = error.response["ResponseMetadata"]
        return (
            metadata["HTTPStatusCode"],
            metadata["HTTPHeaders"],
            {"message": error.response["Error"]["Message"]},
        )
    finally:
        client.close()
    metadata = response["ResponseMetadata"]
    return metadata["HTTPStatusCode"], metadata["HTTPHeaders"], json.loads(response["body"].read())
