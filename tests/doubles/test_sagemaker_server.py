"""boto3 against the fake SageMaker Runtime."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from botocore.exceptions import ClientError, EventStreamError
from urllib3.exceptions import ProtocolError

from tests.doubles.aws_clients import plain_client
from tests.doubles.bedrock_models import count_tokens
from tests.doubles.sagemaker_server import SageMakerServer, sagemaker_server

SENTENCE = "O prazo é de sessenta dias úteis — aviso prévio escrito."
PROMPT = (
    f"<passage-0a0a0a0a 1>\nPassage 1, from Contrato:\n{SENTENCE}\n</passage-0a0a0a0a>"
    "\n\nQuestion: Qual o prazo do aviso prévio?"
)
CITED = f'{SENTENCE} [1: "{SENTENCE}"]'


@pytest.fixture(scope="module")
def server() -> Iterator[SageMakerServer]:
    with sagemaker_server() as running:
        yield running


@pytest.fixture(scope="module")
def client(server: SageMakerServer) -> Iterator[Any]:
    with plain_client("sagemaker-runtime", server.url) as built:
        yield built


def chat_body(**members: Any) -> str:
    return json.dumps({"messages": [{"role": "user", "content": PROMPT}], "max_tokens": 500, **members})


def invoke(client: Any, endpoint: str, body: str) -> Any:
    answer = client.invoke_endpoint(EndpointName=endpoint, Body=body, ContentType="application/json")
    return json.loads(answer["Body"].read())


def parts_of(client: Any, endpoint: str, body: str) -> Iterator[bytes]:
    answer = client.invoke_endpoint_with_response_stream(
        EndpointName=endpoint, Body=body, ContentType="application/json"
    )
    assert answer["ContentType"] == "text/event-stream"
    with closing(answer["Body"]) as events:
        for event in events:
            yield event["PayloadPart"]["Bytes"]


def streamed(client: Any, endpoint: str) -> list[Any]:
    body = chat_body(stream=True, stream_options={"include_usage": True})
    text = b"".join(parts_of(client, endpoint, body)).decode()
    *lines, last, rest = text.split("\n\n")
    assert (last, rest) == ("data: [DONE]", "")
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def text_of(chunks: list[Any]) -> str:
    return "".join(choice["delta"].get("content", "") for chunk in chunks for choice in chunk["choices"])


@pytest.mark.parametrize("endpoint", ["chat", "chat-grounded", "chat-itl1"])
def test_streams_server_sent_events(client: Any, endpoint: str) -> None:
    chunks = streamed(client, endpoint)
    assert text_of(chunks) == CITED
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["usage"]["completion_tokens"] == count_tokens(CITED)


def test_parts_end_inside_lines_and_characters(client: Any) -> None:
    parts = list(parts_of(client, "chat", chat_body(stream=True)))
    assert any(not part.endswith(b"\n\n") and b"\n\n" in part for part in parts)
    assert any(0x80 <= part[0] < 0xC0 for part in parts)


def test_answers_whole_with_the_same_text(client: Any, server: SageMakerServer) -> None:
    before = server.statistics.tokens_of("chat-len60").output
    body = invoke(client, "chat-len60", chat_body())
    assert body["choices"][0]["message"]["content"] == text_of(streamed(client, "chat-len60"))
    assert body["usage"]["completion_tokens"] == 60
    assert server.statistics.tokens_of("chat-len60").output == before + 120


def test_a_schema_is_followed(client: Any) -> None:
    schema = {"type": "object", "properties": {"words": {"type": "integer"}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "output", "schema": schema}}
    body = invoke(client, "chat", chat_body(response_format=wanted))
    assert json.loads(body["choices"][0]["message"]["content"]) == {"words": 6}


@pytest.mark.parametrize(
    ("endpoint", "reason"),
    [("chat-refuses", "content_filter"), ("chat-len900", "length"), ("chat-empty", "stop")],
)
def test_finishes_for_the_reason_in_its_name(client: Any, endpoint: str, reason: str) -> None:
    assert streamed(client, endpoint)[-2]["choices"][0]["finish_reason"] == reason


@pytest.mark.parametrize(
    ("endpoint", "error", "words"),
    [
        ("chat-fails-midstream", EventStreamError, "ModelStreamError"),
        ("chat-fails-midstream-itl1", EventStreamError, "ModelStreamError"),
        ("chat-fails-midstream-as-internal", EventStreamError, "InternalStreamFailure"),
        ("chat-hangs-up", ProtocolError, "prematurely"),
    ],
)
def test_breaks_off_after_some_text(client: Any, endpoint: str, error: type[Exception], words: str) -> None:
    parts: list[bytes] = []
    with pytest.raises(error, match=words):
        parts.extend(parts_of(client, endpoint, chat_body(stream=True)))
    assert b"content" in b"".join(parts)
    assert b"[DONE]" not in b"".join(parts)


@pytest.mark.parametrize(
    ("endpoint", "code", "status", "words"),
    [
        ("chat-asleep", "ValidationError", 400, "has no capacity"),
        ("chat-starting", "ModelNotReadyException", 429, "not ready"),
        ("unheard-of", "ValidationError", 400, "Endpoint unheard-of of account 123456789012 not found."),
        ("chat-throttles", "ThrottlingException", 400, "Rate exceeded"),
        ("chat-unavailable", "ServiceUnavailable", 503, "unavailable"),
        ("chat-broken", "ModelError", 424, "server error"),
        ("chat-window20", "ModelError", 424, "maximum context length is 20"),
        ("embed-overloaded", "ModelError", 424, "overloaded"),
    ],
)
def test_answers_with_the_error_in_its_name(
    client: Any, endpoint: str, code: str, status: int, words: str
) -> None:
    with pytest.raises(ClientError) as raised:
        invoke(client, endpoint, chat_body())
    response: Any = raised.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    assert words in response["Error"]["Message"]


def test_an_endpoint_wakes_up(client: Any) -> None:
    for _ in range(2):
        with pytest.raises(ClientError, match="no capacity"):
            invoke(client, "embed-asleep-wakes2", json.dumps({"inputs": "a"}))
    assert len(invoke(client, "embed-asleep-wakes2", json.dumps({"inputs": "a"}))) == 1


def test_embeds_like_text_embeddings_inference(client: Any) -> None:
    vectors = invoke(client, "embed", json.dumps({"inputs": ["um contrato", "um contrato", "outra coisa"]}))
    assert [len(vector) for vector in vectors] == [384] * 3
    assert vectors[0] == vectors[1] != vectors[2]
    assert sum(number * number for number in vectors[0]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("inputs", "status"), [(["a"] * 33, 413), (["a " * 600], 413), ([], 400), ([None], 422)]
)
def test_embedding_passes_on_the_containers_refusal(client: Any, inputs: Any, status: int) -> None:
    with pytest.raises(ClientError) as raised:
        invoke(client, "embed", json.dumps({"inputs": inputs}))
    response: Any = raised.value.response
    assert (response["Error"]["Code"], response["OriginalStatusCode"]) == ("ModelError", status)


def test_truncates_where_it_is_asked_to(client: Any) -> None:
    assert len(invoke(client, "embed", json.dumps({"inputs": ["a " * 600], "truncate": True}))) == 1


def test_reranks_like_text_embeddings_inference(client: Any) -> None:
    body = {"query": "aviso prévio", "texts": ["O jardim abre.", SENTENCE]}
    ranks = invoke(client, "rerank", json.dumps(body))
    assert [rank["index"] for rank in ranks] == [1, 0]
    assert ranks[0]["score"] > ranks[1]["score"]
