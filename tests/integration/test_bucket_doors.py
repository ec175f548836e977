"""The API's writes on AWS, through moto's S3 and SQS over HTTP: bucket, notification, queue, function."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from math import inf
from typing import Any
from uuid import uuid4

import httpx
import pytest

from ingestion.attempt import LEASE
from ingestion.handler import Handler
from rag.adapters.postgres.store import PostgresStore
from rag.adapters.s3 import S3Source
from tests.app.api.serving import MAX_DOCUMENT_BYTES
from tests.doubles.aws_server import AwsServer, aws_server
from tests.doubles.counting_embedder import CountingEmbedder
from tests.doubles.write_backend import WriteBackend
from tests.security.closed import Closed, closed_api

BODY = b"# Refunds\n\nRefunds are paid within thirty days of purchase.\n"


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """`work` is one round of the queue's event source; it returns how many messages there were."""

    api: Closed
    key: str
    sqs: Any
    queue: str
    handler: Handler

    def work(self) -> int:
        answer = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
        messages = answer.get("Messages", ())
        records = [
            {"messageId": found["MessageId"], "eventSource": "aws:sqs", "body": found["Body"]}
            for found in messages
        ]
        if records:
            assert self.handler.handle({"Records": records}, lambda: inf) == {"batchItemFailures": []}
        for found in messages:
            self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=found["ReceiptHandle"])
        return len(records)

    def documents(self) -> list[tuple[str, str]]:
        listed = self.api.request("GET", "/v1/collections/policies/documents", self.key)
        return [(found["key"], found["status"]) for found in listed.json()["data"]]

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self.api.request("POST", path, self.key, json=body)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture(scope="module")
def aws() -> Iterator[AwsServer]:
    with aws_server() as server:
        yield server


@pytest.fixture
def deployment(aws: AwsServer, store: PostgresStore) -> Iterator[Deployment]:
    with ExitStack() as stack:
        s3, sqs = (stack.enter_context(closing(aws.client(service))) for service in ("s3", "sqs"))
        bucket, queue = _bucket_with_queue(s3, sqs)
        source = S3Source(bucket, default_tenant="default", client=s3)
        backend = WriteBackend(store=store, source=source, embedder=CountingEmbedder())
        handler = Handler(backend, default_tenant="default", max_document_bytes=MAX_DOCUMENT_BYTES)
        api = stack.enter_context(closed_api(backend))
        built = Deployment(api=api, key=api.key("acme"), sqs=sqs, queue=queue, handler=handler)
        built.post("/v1/collections", name="policies")
        while built.work():  # the notification that S3 sends when notifications are set up
            pass
        yield built


def _bucket_with_queue(s3: Any, sqs: Any) -> tuple[str, str]:
    """As infra/queues.py sets them up."""
    name = f"documents-{uuid4().hex}"
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    events = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]
    s3.put_bucket_notification_configuration(
        Bucket=name, NotificationConfiguration={"QueueConfigurations": [{"QueueArn": arn, "Events": events}]}
    )
    return name, queue


def test_a_browser_s_upload_becomes_ready_and_can_be_downloaded(deployment: Deployment) -> None:
    announced = {"key": "refunds.md", "media_type": "text/markdown", "size": len(BODY)}
    grant = deployment.post("/v1/collections/policies/uploads", **announced)
    sent = httpx.post(grant["url"], data=grant["fields"], files={"file": ("C:\\any-name", BODY)})
    assert sent.is_success, sent.text
    assert deployment.work() == 1
    assert deployment.documents() == [("refunds.md", "ready")]
    document = deployment.api.backend.store.tenant("acme").documents.find("policies", "refunds.md")
    moved = deployment.api.request("GET", f"/v1/documents/{document.id}/content", deployment.key)
    assert moved.status_code == 307
    fetched = httpx.get(moved.headers["location"])
    assert fetched.content == BODY
    assert fetched.headers["content-disposition"].startswith('attachment; filename="refunds.md"')


def test_a_document_written_over_http_comes_back_by_its_notification(deployment: Deployment) -> None:
    deployment.post("/v1/collections/policies/documents", key="a.md", text=BODY.decode(), title="Refunds")
    assert deployment.documents() == [("a.md", "pending")]
    assert deployment.work() == 2  # the side-car, the object
    assert deployment.documents() == [("a.md", "ready")]


def test_a_retry_reaches_the_function(deployment: Deployment) -> None:
    written = deployment.post("/v1/collections/policies/documents", key="a.pdf", text="%PDF-1.7 no pages")
    while deployment.work():
        pass
    assert deployment.documents() == [("a.pdf", "failed")]
    path = f"/v1/documents/{written['id']}"
    assert deployment.post(f"{path}/retry")["status"] == "pending"
    assert deployment.work() == 1
    history = deployment.api.request("GET", f"{path}/history", deployment.key).json()["data"]
    assert [entry["event"] for entry in history].count("failed") == 2


def test_a_deleted_collection_is_erased(deployment: Deployment) -> None:
    for number in range(3):
        deployment.post("/v1/collections/policies/documents", key=f"{number}.md", text=f"Text {number}.")
    while deployment.work():
        pass
    deployment.api.request("DELETE", "/v1/collections/policies", deployment.key).raise_for_status()
    while deployment.work():
        pass
    assert deployment.api.backend.store.tenant("acme").ledger.claim(LEASE) is None
    assert deployment.post("/v1/collections", name="policies")["document_count"] == 0
    assert deployment.documents() == []
