"""boto3 and langchain-aws against the fake Converse: its contract, its shapes, what it charges."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import botocore.session
import httpx
import pytest
from botocore.exceptions import ClientError

from tests.doubles.aws_clients import plain_client
from tests.doubles.bedrock_models import count_tokens
from tests.doubles.bedrock_server import BedrockServer, Behaviour, bedrock_server
from tests.doubles.conversing import (
    NOTICE,
    QUESTION,
    asked,
    blocks_of,
    citations_of,
    events_of,
    search_result,
    text_of,
    user,
)

HAIKU = "global.anthropic.claude-haiku-5-5"
RECORDED = {
    path.stem: json.loads(path.read_text())
    for path in Path(__file__).parents[1].joinpath("events", "bedrock", "converse").glob("*.json")
}
# Real answers have them; botocore's model does not.
UNMODELLED = {"p", "serverToolUsage", "cacheReadInputTokenCount", "cacheWriteInputTokenCount"}


@pytest.fixture(scope="module")
def server() -> Iterator[BedrockServer]:
    with bedrock_server() as running:
        yield running


@pytest.fixture(scope="module")
def client(server: BedrockServer) -> Iterator[Any]:
    with plain_client("bedrock-runtime", server.url, connections=80) as built:
        yield built


def stream(client: Any, request: Any) -> list[tuple[str, Any]]:
    return list(events_of(client.converse_stream(**request)))


def refusal(client: Any, request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        client.converse(**request)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def member_names(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {*value, *(name for item in value.values() for name in member_names(item))}
    return {name for item in value for name in member_names(item)} if isinstance(value, list) else set()


@pytest.mark.parametrize("model", ["mock-grounded", HAIKU, "mock", "mock-citeslast", "us.mock-dotless"])
def test_cites_the_blocks_that_prove_a_sentence(client: Any, model: str) -> None:
    blocks = client.converse(**asked(model=model))["output"]["message"]["content"]
    assert text_of(blocks).startswith(NOTICE)
    (citation, *_) = citations_of(blocks)
    assert citation == {
        "title": "Contract",
        "source": "acervo://Contract",
        "sourceContent": [{"text": NOTICE}],
        "location": {"searchResultLocation": {"searchResultIndex": 1, "start": 1, "end": 2}},
    }


@pytest.mark.parametrize("model", ["mock", "mock-misquotes", "mock-dotless-len90", "mock-citeslast"])
def test_the_stream_is_the_whole_in_pieces(client: Any, model: str) -> None:
    whole, events = client.converse(**asked(model=model)), stream(client, asked(model=model))
    assert blocks_of(events) == whole["output"]["message"]["content"]
    assert dict(events)["messageStop"]["stopReason"] == whole["stopReason"]
    assert dict(events)["metadata"]["usage"] == whole["usage"]


def test_events_come_in_the_recorded_order(client: Any) -> None:
    def kinds(events: Any) -> list[str]:
        """One name an event, repetitions left out: text comes in any number of deltas."""
        names = [name if "delta" not in event else next(iter(event["delta"])) for name, event in events]
        return [name for name, before in zip(names, [None, *names], strict=False) if name != before]

    request = asked(search_result("The meeting is on Friday."), "When is the meeting?", model="mock-dotless")
    assert kinds(stream(client, request)) == kinds(RECORDED["citations_stream"]["events"])
    guarded = stream(client, asked(model="mock-guarded"))
    assert [name for name, _ in guarded] == [name for name, _ in RECORDED["guarded_stream"]["events"]]


def test_what_is_sent_has_the_members_of_the_model_and_of_the_records(server: BedrockServer) -> None:
    body = {name: value for name, value in asked().items() if name != "modelId"}
    sent = httpx.post(f"{server.url}/model/mock/converse", json=body).json()
    shape = botocore.session.get_session().get_service_model("bedrock-runtime").shape_for("ConverseResponse")
    assert unknown_members(shape, sent) <= UNMODELLED
    assert member_names(RECORDED["citations"]["body"]) - member_names(sent) <= {
        "documentPage",  # search results have a location of their own
        "documentIndex",
        "cacheReadInputTokens",  # sometimes there without a cachePoint
        *UNMODELLED,
    }


def unknown_members(shape: Any, value: Any) -> set[str]:
    if shape.type_name == "list":
        return {name for item in value for name in unknown_members(shape.member, item)}
    if shape.type_name != "structure":
        return set()
    known = [name for name in value if name in shape.members]
    inner = {name for member in known for name in unknown_members(shape.members[member], value[member])}
    return inner | {*value} - {*known}


@pytest.mark.parametrize(
    ("request_members", "words"),
    [
        ({"modelId": "mock-unheard-of"}, "model identifier is invalid"),
        ({"modelId": "anthropic.claude-haiku-5-5"}, "on-demand throughput"),
        ({"messages": []}, "at least one message"),
        ({"messages": [{"role": "assistant", "content": [{"text": "a"}]}]}, "start with a user message"),
        ({"messages": [user("a"), user("b")]}, "must alternate"),
        ({"messages": [user(" \n")]}, "messages.0.content.0 is blank"),
        ({"messages": [user()]}, "messages.0 is empty"),
        ({"system": [{"text": " "}]}, "system.0 is blank"),
        ({"inferenceConfig": {"temperature": 0.5}}, "`temperature` is deprecated"),
        ({"inferenceConfig": {"topP": 0.5}}, "`top_p` is deprecated"),
        ({"messages": [user("a"), {"role": "assistant", "content": [{"text": "b"}]}]}, "prefill"),
        ({"requestMetadata": {"kind": "a'b"}}, "regular expression"),
        (
            {
                "messages": [
                    user(search_result("a", citations=True), search_result("b", citations=False), "c")
                ]
            },
            "all search results",
        ),
        ({"messages": [user(search_result(" "), "c")]}, "non-empty"),
        (
            {"modelId": "us.amazon.nova-lite-v1:0", "messages": [user(search_result("a"), "b")]},
            "searchResult",
        ),
        ({"modelId": "mock-overflow"}, "Input is too long for requested model."),
        ({"modelId": "mock-window20"}, "Input is too long for requested model."),
    ],
)
def test_refuses_what_bedrock_refuses(client: Any, request_members: Any, words: str) -> None:
    code, message = refusal(client, {**asked(), **request_members})
    assert code == "ValidationException"
    assert words in message


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"inferenceConfig": {"maxTokens": 0}}, "greater than or equal to 1"),
        ({"requestMetadata": {f"k{n}": "v" for n in range(17)}}, "less than or equal to 16"),
        ({"messages": [user({"searchResult": {"source": "s", "content": [{"text": "a"}]}})]}, "title"),
        ({"messages": [user({"riddle": "a"})]}, "exactly one of"),
    ],
)
def test_refuses_what_botocore_would_not_send(server: BedrockServer, body: Any, words: str) -> None:
    request = {"messages": [user("a")], **body}
    answer = httpx.post(f"{server.url}/model/mock/converse", json=request)
    assert answer.status_code == 400
    assert words in answer.json()["message"]


def test_structured_output_needs_a_closed_schema_and_no_citations(client: Any) -> None:
    schema = {"type": "object", "properties": {"words": {"type": "integer"}, "text": {"type": "string"}}}
    closed = {**schema, "additionalProperties": False}
    assert "additionalProperties" in refusal(client, asked("Hello you", **with_schema(schema)))[1]
    assert "citations" in refusal(client, asked(**with_schema(closed)))[1]
    answer = client.converse(**asked("Hello you", **with_schema(closed)))
    written = answer["output"]["message"]["content"][0]["text"]
    assert json.loads(written) == {"words": 2, "text": "Hello you"}
    broken = client.converse(**asked("Hello you", model="mock-malformed-json", **with_schema(closed)))
    text = broken["output"]["message"]["content"][0]["text"]
    assert text == written[: len(written) // 2]


def with_schema(schema: Any) -> dict[str, Any]:
    structure = {"jsonSchema": {"schema": json.dumps(schema), "name": "output"}}
    return {"outputConfig": {"textFormat": {"type": "json_schema", "structure": structure}}}


def test_usage_adds_up_and_a_prefix_is_cached(client: Any, server: BedrockServer) -> None:
    instructions = "Answer from the sources. " * 3
    system = [{"text": instructions}, {"cachePoint": {"type": "default"}}]
    first, second = (
        dict(stream(client, asked(model="mock-len30", system=system)))["metadata"]["usage"] for _ in range(2)
    )
    prefix = count_tokens(instructions)
    assert (first["cacheWriteInputTokens"], first["cacheReadInputTokens"]) == (prefix, 0)
    assert (second["cacheWriteInputTokens"], second["cacheReadInputTokens"]) == (0, prefix)
    for usage in (first, second):
        cached = usage["cacheWriteInputTokens"] + usage["cacheReadInputTokens"]
        assert usage["totalTokens"] == usage["inputTokens"] + cached + usage["outputTokens"]
    tokens = server.statistics.tokens_of("mock-len30")
    assert (tokens.calls, tokens.output) == (2, 60)
    assert tokens.input == first["inputTokens"] + second["inputTokens"]
    assert (tokens.cache_write, tokens.cache_read) == (prefix, prefix)


def test_counts_tokens_as_it_charges_them(client: Any) -> None:
    request = asked()
    converse = {"messages": request["messages"]}
    counted = client.count_tokens(modelId="mock", input={"converse": converse})["inputTokens"]
    assert counted == client.converse(**request)["usage"]["inputTokens"]


def test_a_client_that_goes_away_stops_the_stream() -> None:
    with bedrock_server() as server, plain_client("bedrock-runtime", server.url) as client:
        response = client.converse_stream(**asked(model="mock-itl20-len400"))
        events = events_of(response)
        for _ in range(3):
            next(events)
        response["stream"].close()
        wait_until(lambda: server.statistics.abandoned == 1)
        sent = server.statistics.pieces
        time.sleep(0.1)
    assert server.statistics.pieces == sent < 20
    assert server.statistics.tokens_of("mock-itl20-len400").output < 20


def wait_until(condition: Any) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_many_slow_streams_at_once(client: Any) -> None:
    request = asked(model="mock-ttft100-itl50-len10")
    begun = time.monotonic()
    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda _: stream(client, request), range(64)))
    assert {dict(events)["metadata"]["usage"]["outputTokens"] for events in answers} == {10}
    assert time.monotonic() - begun < 64 * 0.55 / 4


def test_quota_is_reserved_on_input_and_max_tokens() -> None:
    with (
        bedrock_server(Behaviour(tokens_per_second=1)) as server,
        plain_client("bedrock-runtime", server.url) as client,
    ):
        client.converse(**asked())
        assert refusal(client, asked())[0] == "ThrottlingException"


def test_langchain_talks_to_it(client: Any) -> None:
    from langchain_aws import ChatBedrockConverse  # noqa: PLC0415 - two seconds that other tests need not wait
    from langchain_core.messages import AIMessageChunk, HumanMessage  # noqa: PLC0415

    chat = ChatBedrockConverse(model=HAIKU, client=client, bedrock_client=client, max_tokens=100)
    result = {
        "type": "search_result",
        "source": "acervo://Contract",
        "title": "Contract",
        "content": [{"type": "text", "text": NOTICE}],
        "citations": {"enabled": True},
    }
    messages = [HumanMessage([result, {"type": "text", "text": QUESTION}])]
    whole = chat.invoke(messages)
    chunks = list(chat.stream(messages))
    assert whole.text == NOTICE == "".join(chunk.text for chunk in chunks)
    cited = [block for chunk in chunks for block in chunk.content if isinstance(block, dict)]
    assert [block["citations"][0]["source_content"] for block in cited if block.get("citations")] == [
        [{"text": NOTICE}]
    ]
    merged = sum(chunks[1:], chunks[0])
    assert isinstance(merged, AIMessageChunk)
    assert merged.usage_metadata == whole.usage_metadata
