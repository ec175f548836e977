"""What both functions log while they are given secrets, on the ways that go well and on those that do not."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from rag.adapters.postgres.store import PostgresStore
from rag.domain.credentials import SECRET_PREFIX, NewApiKey, Scope, fingerprint
from rag.domain.documents import DocumentStatus
from tests.doubles.bedrock_client import environment
from tests.doubles.bedrock_server import BedrockServer, Reply, bedrock_server, failure, throttling
from tests.doubles.logging_state import logging_as_before
from tests.doubles.s3_server import BUCKET, S3Server, s3_server

pytest.importorskip("mangum", reason="mangum is not installed")
from app import lambda_handler as api
from ingestion import lambda_handler as ingestion

EVENTS = Path(__file__).parents[1] / "events"
CANARY = "xylophone-canary"
KEY = f"{SECRET_PREFIX}{CANARY}"
TEXT = f"The {CANARY} is refunded within 30 days. The {CANARY} counts from the return."
INVOCATION = "8a5b1c0e-4a0e-4f5e-9b0a-2f6d3c1b7e90"
TRACE = "Root=1-6721f5d4-2f0c9f4b3a5d4e6f7a8b9c0d"

Records = list[dict[str, Any]]
Call = Callable[..., dict[str, Any]]


class Context:
    aws_request_id = INVOCATION

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


class Deployment:
    def __init__(self, s3: S3Server, bedrock: BedrockServer, capture: pytest.CaptureFixture[str]) -> None:
        self.s3 = s3
        self.bedrock = bedrock
        self._capture = capture

    def ingest(self, *records: dict[str, Any]) -> Any:
        return ingestion.handler({"Records": [*records]}, Context())

    def drop(self, key: str, body: bytes, **told: Any) -> None:
        change = self.s3.bucket.put(key, body, **told).notification
        self.ingest({"messageId": "1", "eventSource": "aws:sqs", "body": json.dumps(change)})

    def call(self, path: str, body: Any, *, key: str = KEY) -> dict[str, Any]:
        event = json.loads((EVENTS / "apigateway" / "http-answer.json").read_text(encoding="utf-8"))
        event["rawPath"] = event["requestContext"]["http"]["path"] = path
        event["headers"] |= {"authorization": f"Bearer {key}"}
        event["body"] = body if isinstance(body, str) else json.dumps(body)
        response: dict[str, Any] = api.handler(event, Context())  # type: ignore[arg-type]  # what is used of it
        return response

    def records(self) -> Records:
        """What was logged since the last call; every line is JSON and says nothing of the secrets."""
        written = "".join(self._capture.readouterr())
        assert CANARY not in written
        return [json.loads(line) for line in written.splitlines()]


@pytest.fixture
def deployment(
    conninfo: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Deployment]:
    with ExitStack() as running:
        running.enter_context(logging_as_before())
        s3, bedrock = running.enter_context(s3_server()), running.enter_context(bedrock_server())
        for name, value in _variables(conninfo, s3, bedrock).items():
            monkeypatch.setenv(name, value)
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        yield Deployment(s3, bedrock, capfd)
        asyncio.set_event_loop(None)
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        if ingestion.built.cache_info().currsize:
            ingestion.built().close()
        ingestion.built.cache_clear()
        api.built.cache_clear()


def _variables(conninfo: str, s3: S3Server, bedrock: BedrockServer) -> Mapping[str, str]:
    return {
        **environment(bedrock.url),
        "AWS_ENDPOINT_URL_S3": s3.endpoint_url,
        "DATABASE_URL": conninfo,
        "ACERVO_BUCKET": BUCKET,
        "ACERVO_EMBEDDING": "bedrock:amazon.titan-embed-text-v2:0@256",
        "ACERVO_GENERATION": "bedrock:us.mock-grounded",
        "ACERVO_FUNCTION_SERVICE": "tested",
        "ACERVO_METRICS_NAMESPACE": "Acervo/tested",
        "_X_AMZN_TRACE_ID": TRACE,
    }


@pytest.fixture
def key(store: PostgresStore) -> str:
    store.credentials.create(
        NewApiKey(tenant="default", name="test", scopes=(Scope.READ, Scope.WRITE)), fingerprint(KEY)
    )
    return KEY


def measured(records: Records, name: str) -> list[Any]:
    return [record[name] for record in records if "_aws" in record and name in record]


def test_documents_that_become_ready_are_counted_and_not_quoted(
    deployment: Deployment, store: PostgresStore
) -> None:
    deployment.drop("notes/a.md", f"# {CANARY}\n\n{TEXT}".encode(), metadata={"title": CANARY})
    deployment.drop("notes/a.md", f"# {CANARY}\n\n{TEXT}".encode(), metadata={"title": CANARY})
    records = deployment.records()
    document = store.tenant("default").documents.find("notes", "a.md")
    assert document.status is DocumentStatus.READY
    assert [record["Outcome"] for record in records if "Documents" in record] == ["ready", "unchanged"]
    assert measured(records, "ChunksEmbedded") == [document.chunk_count]
    for record in (record for record in records if "Documents" in record):
        assert (record["tenant"], record["document_id"]) == ("default", document.id)
        assert (record["request_id"], record["trace_id"]) == (INVOCATION, TRACE)


def test_documents_that_fail_are_told_by_id_and_code(deployment: Deployment, store: PostgresStore) -> None:
    deployment.drop("notes/broken.pdf", f"%PDF-1.7 {CANARY}".encode())
    deployment.bedrock.planned.append(failure(400, "ValidationException", f"Malformed: {TEXT}"))
    deployment.drop("notes/refused.md", TEXT.encode())
    deployment.bedrock.planned.extend([throttling(retry_after="0"), Reply(body=json.dumps(TEXT).encode())])
    deployment.drop("notes/later.md", TEXT.encode())
    records = deployment.records()
    documents = store.tenant("default").documents
    ids = [documents.find("notes", name).id for name in ("broken.pdf", "refused.md", "later.md")]
    counted = [record for record in records if "Documents" in record]
    assert [record["document_id"] for record in counted] == ids
    assert [record["Outcome"] for record in counted] == ["failed", "postponed", "ready"]
    warnings = [record for record in records if record.get("level") == "WARNING"]
    assert [record["document_id"] for record in warnings] == ids[:2]
    assert all(record["service"] == "tested" and record["message"] for record in warnings)
    assert measured(records, "Throttles") == [1]
    assert documents.find("notes", "later.md").status is DocumentStatus.READY


def test_records_that_cannot_be_read_are_not_quoted(deployment: Deployment) -> None:
    batch = json.loads((EVENTS / "kinesis" / "upsert-text.json").read_text(encoding="utf-8"))["Records"]
    contents = [
        f'{{"op": "upsert", "text": "{CANARY}',
        json.dumps({"op": CANARY, "text": TEXT}),
        json.dumps({"op": "upsert", "collection": "orders", "key": "a", "text": TEXT, "metadata": CANARY}),
        json.dumps({"op": "upsert", "collection": "orders", "key": "b", "text": [TEXT]}),
        json.dumps({"op": "upsert", "collection": "orders", "key": "c", "content_base64": CANARY + "%"}),
    ]
    for content in contents:
        record = json.loads(json.dumps(batch[0]))
        record["kinesis"]["data"] = b64encode(content.encode()).decode()
        deployment.ingest(record)
    assert len(deployment.records()) >= len(contents)


def test_searches_and_answers_are_measured_and_not_quoted(deployment: Deployment, key: str) -> None:
    deployment.drop("notes/a.md", TEXT.encode())
    deployment.records()
    question = f"When is the {CANARY} refunded?"
    found = deployment.call("/v1/search", {"query": question}, key=key)
    answered = deployment.call("/v1/answers", {"question": question}, key=key)
    streamed = deployment.call("/v1/answers", {"question": question, "stream": True}, key=key)
    summary = deployment.call("/v1/summaries", {"collection": "notes", "instructions": CANARY}, key=key)
    assert [each["statusCode"] for each in (found, answered, streamed, summary)] == [200] * 4
    assert CANARY in answered["body"]
    records = deployment.records()
    assert len(measured(records, "SearchTotal")) == 1
    for step in ("Embed", "Retrieve", "Generate", "Total"):
        assert all(milliseconds >= 0 for milliseconds in measured(records, f"Answer{step}"))
    assert [record["Status"] for record in records if "Answers" in record] == ["answered"] * 3
    assert min(measured(records, "InputTokens") + measured(records, "OutputTokens")) > 0
    for record in records:
        assert record["tenant"] == "default"
        assert (record["request_id"], record["invocation_id"]) == ("JKJaXmPLvHcESHA", INVOCATION)


@pytest.mark.parametrize("behaviour", ["uncited", "refuses"])
def test_answers_without_evidence_are_abstentions(deployment: Deployment, key: str, behaviour: str) -> None:
    deployment.drop("notes/a.md", TEXT.encode())
    deployment.records()
    body = {"question": f"Who owns the {CANARY}?", "model": f"us.mock-{behaviour}"}
    status = json.loads(deployment.call("/v1/answers", body, key=key)["body"])["status"]
    assert [record["Status"] for record in deployment.records() if "Answers" in record] == [status]
    assert status != "answered"


def test_what_goes_wrong_is_told_without_what_was_asked(deployment: Deployment, key: str) -> None:
    deployment.drop("notes/a.md", TEXT.encode())
    question, schema = {"question": f"Why {CANARY}?"}, {"type": "object", "required": ["answer"]}
    called = [
        deployment.call("/v1/answers", question, key=f"{SECRET_PREFIX}unknown-{CANARY}"),
        deployment.call("/v1/answers", question, key=f"eyJhbGciOiJub25lIn0.{CANARY}."),
        deployment.call("/v1/answers", f'{{"question": "{CANARY}', key=key),
        deployment.call("/v1/answers", {"question": "a", CANARY: CANARY}, key=key),
        deployment.call("/v1/answers", {**question, "model": "us.mock-fails-midstream"}, key=key),
        deployment.call(
            "/v1/answers", {**question, "model": "us.mock-fails-midstream", "stream": True}, key=key
        ),
        deployment.call("/v1/answers", {**question, "model": "us.mock-malformed-output"}, key=key),
        deployment.call("/v1/generations", {"input": TEXT, "json_schema": schema}, key=key),
    ]
    deployment.bedrock.planned.append(failure(400, "ValidationException", f"Malformed: {CANARY}"))
    called.append(deployment.call("/v1/search", {"query": f"{CANARY} again"}, key=key))
    deployment.bedrock.planned.extend([Reply(body=json.dumps(CANARY).encode())] * 4)
    called.append(deployment.call("/v1/search", {"query": f"{CANARY} once more"}, key=key))
    assert [each["statusCode"] for each in called] == [401, 401, 400, 422, 503, 200, 502, 502, 502, 502]
    errors = [record for record in deployment.records() if record.get("level") == "ERROR"]
    assert len(errors) >= 6
    assert all(record["request_id"] and record["tenant"] for record in errors)
