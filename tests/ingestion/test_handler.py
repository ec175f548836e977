"""Batches as AWS delivers them, over a fake S3 on loopback and a real PostgreSQL."""

import base64
import json
from collections.abc import Iterator, Sequence
from functools import partial
from io import BytesIO
from math import inf
from typing import Any

import pytest

from ingestion.attempt import LEASE, RESERVE
from ingestion.handler import Handler, IngestionUnfinished
from ingestion.outcome import MAX_ATTEMPTS
from rag.adapters.postgres.store import PostgresStore, PostgresTenantStore
from rag.adapters.s3 import S3Source
from rag.domain.documents import Attributes, Document, DocumentStatus
from rag.domain.pages import PageRequest
from rag.errors import DocumentNotFound, InvalidEvent, ModelUnavailable, Throttled
from tests.doubles.counting_embedder import CountingEmbedder
from tests.doubles.s3_server import BUCKET, S3Server, s3_server
from tests.doubles.write_backend import WriteBackend

TENANT = "default"
PARAGRAPHS = [f"Paragraph {number} speaks of subject{number} and of nothing else." for number in range(40)]


class Deployment:
    """A bucket, its notifications, the ingestion function, and its database."""

    def __init__(self, store: PostgresStore, server: S3Server) -> None:
        self.server = server
        self.embedder = CountingEmbedder()
        source = S3Source(BUCKET, default_tenant=TENANT, client=server.client())
        self.backend = WriteBackend(store=store, source=source, embedder=self.embedder)
        self.handler = Handler(self.backend, default_tenant=TENANT, max_document_bytes=100_000)
        self.tenant: PostgresTenantStore = store.tenant(TENANT)

    def drop(self, key: str, text: str | bytes) -> dict[str, Any]:
        body = text.encode() if isinstance(text, str) else text
        return self.server.bucket.put(key, body).notification

    def remove(self, key: str) -> dict[str, Any]:
        return self.server.bucket.delete(key).notification

    def deliver(self, *bodies: Any, seconds: float = inf) -> list[int]:
        """One SQS batch; returns which messages are handed back."""
        messages = [
            {"messageId": str(number), "eventSource": "aws:sqs", "body": _text(body)}
            for number, body in enumerate(bodies)
        ]
        return _failures(self.handler.handle({"Records": messages}, lambda: seconds))

    def stream(self, *records: Any, first: int = 1) -> list[int]:
        """Records of one shard, numbered from `first`; returns the numbers that are handed back."""
        numbered = enumerate(records, first)
        found = [_kinesis_record(str(number), record) for number, record in numbered]
        return _failures(self.handler.handle({"Records": found}, lambda: inf))

    def document(self, key: str, collection: str = "notes") -> Document:
        return self.tenant.documents.find(collection, key)

    def text(self, key: str) -> str:
        return self.tenant.documents.text(self.document(key).id)

    def keys(self) -> list[str]:
        return [document.key for document in self.tenant.documents.list("notes", PageRequest()).items]


def _text(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body)


def _failures(response: dict[str, Any]) -> list[int]:
    return [int(failure["itemIdentifier"]) for failure in response["batchItemFailures"]]


def _kinesis_record(number: str, record: Any) -> dict[str, Any]:
    content = record if isinstance(record, bytes) else json.dumps(record).encode()
    key = "x" if isinstance(record, bytes) else f"{record['collection']}/{record['key']}"
    return {
        "eventSource": "aws:kinesis",
        "eventID": f"shardId-000000000000:{number}",
        "kinesis": {
            "partitionKey": key,
            "sequenceNumber": number,
            "data": base64.b64encode(content).decode(),
        },
    }


def upsert(key: str, text: str, **fields: Any) -> dict[str, Any]:
    return {"op": "upsert", "collection": "notes", "key": key, "text": text, **fields}


def deletion(key: str) -> dict[str, Any]:
    return {"op": "delete", "collection": "notes", "key": key}


@pytest.fixture
def deployment(store: PostgresStore) -> Iterator[Deployment]:
    with s3_server() as server:
        yield Deployment(store, server)


def test_a_dropped_object_is_searchable_and_free_when_delivered_again(deployment: Deployment) -> None:
    dropped = deployment.drop("notes/relatório+1.md", "# Título\n\nO prazo é de 30 dias.")
    assert deployment.deliver(dropped) == []
    document = deployment.document("relatório+1.md")
    assert (document.status, document.version, document.title) == (DocumentStatus.READY, 1, "Título")
    paid = [*deployment.embedder.embedded]
    assert deployment.deliver(dropped, dropped) == []
    again = deployment.drop("notes/relatório+1.md", "# Título\n\nO prazo é de 30 dias.")
    assert deployment.deliver(again) == []
    assert deployment.embedder.embedded == paid
    assert deployment.document("relatório+1.md").version == 1


def test_a_late_put_resurrects_nothing(deployment: Deployment) -> None:
    dropped, removed = deployment.drop("notes/a.txt", "Text."), deployment.remove("notes/a.txt")
    assert deployment.deliver(removed) == []
    assert deployment.deliver(dropped) == []
    assert deployment.stream(deletion("b.txt"), first=7) == []
    assert deployment.stream(upsert("b.txt", "Text."), first=6) == []
    assert deployment.stream(upsert("c.txt", "Old."), upsert("c.txt", "New."), deletion("c.txt")) == []
    assert deployment.stream(upsert("c.txt", "Old."), upsert("c.txt", "New.")) == []
    assert deployment.keys() == []


def test_an_object_that_went_before_it_was_read_leaves_nothing(deployment: Deployment) -> None:
    other, dropped = deployment.drop("notes/b.txt", "Text."), deployment.drop("notes/a.txt", "Text.")
    removed = deployment.remove("notes/a.txt")
    assert deployment.deliver(removed, other, dropped) == []
    assert deployment.keys() == ["b.txt"]
    assert deployment.deliver(removed, dropped) == []
    assert deployment.keys() == ["b.txt"]


def test_one_poisoned_message_fails_alone(deployment: Deployment) -> None:
    good = deployment.drop("notes/a.txt", "Text.")
    assert deployment.deliver("{", good, '{"hello": 1}') == [0, 2]
    assert deployment.keys() == ["a.txt"]
    assert deployment.stream(upsert("b.txt", "Text."), b"\xff", upsert("c.txt", "Text.")) == [2]
    assert deployment.keys() == ["a.txt", "b.txt", "c.txt"]


def test_a_permanent_failure_is_recorded_and_acknowledged(deployment: Deployment) -> None:
    assert deployment.deliver(deployment.drop("notes/a.txt", "The first text.")) == []
    assert deployment.deliver(deployment.drop("notes/a.txt", b"%PDF-1.7 no pages")) == []
    failed = deployment.document("a.txt")
    assert failed.failure
    assert (failed.status, failed.failure.code, failed.version) == (DocumentStatus.FAILED, "corrupt", 1)
    assert deployment.text("a.txt") == "The first text."


def test_a_bad_record_fails_its_document_and_says_why(deployment: Deployment) -> None:
    assert deployment.stream({**deletion("a.txt"), "op": "upsert", "content_base64": "?"}) == []
    failed = deployment.document("a.txt")
    assert failed.failure
    assert failed.failure.code == "invalid_record"


def test_throttling_is_handed_back_until_it_ends(deployment: Deployment) -> None:
    dropped = deployment.drop("notes/a.txt", "Text.")
    deployment.embedder.failing = Throttled("slow down")
    for _ in range(MAX_ATTEMPTS + 2):
        assert deployment.deliver(dropped) == [0]
        assert deployment.document("a.txt").status is DocumentStatus.PENDING
    deployment.embedder.failing = None
    assert deployment.deliver(dropped) == []
    assert deployment.document("a.txt").status is DocumentStatus.READY


def test_an_exhausted_message_ends_in_the_dead_letter_queue_and_is_redriven(deployment: Deployment) -> None:
    dropped = deployment.drop("notes/a.txt", "Text.")
    deployment.embedder.failing = ModelUnavailable("nobody answers")
    for _ in range(MAX_ATTEMPTS + 2):
        assert deployment.deliver(dropped) == [0]
    failed = deployment.document("a.txt")
    assert failed.failure
    assert (failed.status, failed.failure.code) == (DocumentStatus.FAILED, "model_unavailable")
    deployment.embedder.failing = None
    deployment.tenant.documents.retry(failed.id)
    assert deployment.deliver(dropped) == []
    assert deployment.document("a.txt").status is DocumentStatus.READY


def test_without_time_everything_is_handed_back(deployment: Deployment) -> None:
    dropped = [deployment.drop(f"notes/{number}.txt", "Text.") for number in range(3)]
    assert deployment.deliver(*dropped, seconds=RESERVE / 2) == [0, 1, 2]
    assert deployment.embedder.embedded == []
    assert deployment.deliver(*dropped) == []


def test_a_document_longer_than_the_time_goes_on_from_where_it_was(deployment: Deployment) -> None:
    text = "\n\n".join(f"## Part {number}\n\n{line}" for number, line in enumerate(PARAGRAPHS))
    dropped = deployment.drop("notes/long.md", text)
    message = {"Records": [{"messageId": "0", "eventSource": "aws:sqs", "body": json.dumps(dropped)}]}
    for _ in range(20):
        clock = iter([60.0] * 4)  # accepting, starting, looking at the time, and one group of vectors
        remaining = partial(next, clock, 0.0)
        if not deployment.handler.handle(message, remaining)["batchItemFailures"]:
            break
    document = deployment.document("long.md")
    assert document.status is DocumentStatus.READY
    assert len(deployment.embedder.embedded) == len(set(deployment.embedder.embedded)) == document.chunk_count
    assert document.chunk_count > 3 * 8


def test_a_side_car_changes_the_metadata_and_embeds_nothing(deployment: Deployment) -> None:
    side_car = deployment.drop("notes/a.txt.metadata.json", '{"metadata": {"team": "sales"}}')
    assert deployment.deliver(side_car) == []
    assert deployment.deliver(deployment.drop("notes/a.txt", "Text.")) == []
    assert deployment.document("a.txt").metadata == {"team": "sales"}
    paid = [*deployment.embedder.embedded]
    side_car = deployment.drop("notes/a.txt.metadata.json", '{"metadata": {"team": "support"}}')
    assert deployment.deliver(side_car) == []
    assert deployment.document("a.txt").metadata == {"team": "support"}
    assert deployment.deliver(deployment.remove("notes/a.txt.metadata.json")) == []
    document = deployment.document("a.txt")
    assert (document.metadata, document.version) == ({}, 1)
    assert deployment.embedder.embedded == paid


def test_without_its_side_car_a_document_has_its_own_title_again(deployment: Deployment) -> None:
    side_car = deployment.drop("notes/a.md.metadata.json", '{"title": "Given"}')
    assert deployment.deliver(side_car, deployment.drop("notes/a.md", "# Own\n\nText.")) == []
    assert deployment.document("a.md").title == "Given"
    assert deployment.deliver(deployment.remove("notes/a.md.metadata.json")) == []
    assert deployment.document("a.md").title == "Own"


def test_a_version_removed_for_ever_may_leave_the_object(deployment: Deployment) -> None:
    bucket = deployment.server.bucket
    assert (
        deployment.deliver(deployment.drop("notes/a.txt", "Old."), deployment.drop("notes/a.txt", "New."))
        == []
    )
    old = bucket.versions("notes/a.txt")[-1].id
    assert deployment.deliver(bucket.delete("notes/a.txt", old).notification) == []
    assert deployment.text("a.txt") == "New."
    new = bucket.versions("notes/a.txt")[0].id
    assert deployment.deliver(bucket.delete("notes/a.txt", new).notification) == []
    with pytest.raises(DocumentNotFound):
        deployment.document("a.txt")


def test_a_late_event_does_not_bring_a_deleted_collection_back(deployment: Deployment) -> None:
    dropped = deployment.drop("notes/a.txt", "Text.")
    assert deployment.deliver(dropped) == []
    deployment.backend.source.remove_collection(TENANT, "notes")
    deployment.tenant.collections.delete("notes")
    assert deployment.deliver(dropped, *(change.notification for change in deployment.server.changes)) == []
    assert deployment.tenant.collections.list(PageRequest()).items == ()


def test_a_second_door_is_told_off_and_changes_nothing(deployment: Deployment) -> None:
    assert deployment.deliver(deployment.drop("notes/a.txt", "Dropped.")) == []
    assert deployment.stream(upsert("a.txt", "Streamed."), deletion("a.txt")) == []
    assert deployment.text("a.txt") == "Dropped."
    history = deployment.tenant.documents.history(deployment.document("a.txt").id, PageRequest()).items
    assert [entry.event for entry in history][-1] == "conflicting_source"


def test_what_another_worker_has_in_hand_is_handed_back(deployment: Deployment) -> None:
    dropped = deployment.drop("notes/a.txt", "Text.")
    deployment.deliver(dropped, seconds=0)
    deployment.embedder.failing = Throttled("slow down")
    deployment.deliver(dropped)
    held = deployment.tenant.ledger.claim(LEASE, deployment.document("a.txt").id)
    assert held
    assert deployment.deliver(dropped) == [0]


def test_a_record_may_name_an_object(deployment: Deployment) -> None:
    deployment.server.bucket.put(".staging/large.md", b"# Large\n\nText of the staged object.")
    record = {**deletion("large.md"), "op": "upsert", "s3_uri": f"s3://{BUCKET}/.staging/large.md"}
    assert deployment.stream(record) == []
    assert "staged object" in deployment.text("large.md")


def test_an_event_without_a_queue_must_come_again(deployment: Deployment) -> None:
    dropped = deployment.drop("notes/a.txt", "Text.")
    deployment.embedder.failing = Throttled("slow down")
    with pytest.raises(IngestionUnfinished):
        deployment.handler.handle(dropped, lambda: inf)
    deployment.embedder.failing = None
    assert deployment.handler.handle(dropped, lambda: inf) == {"batchItemFailures": []}
    with pytest.raises(InvalidEvent):
        deployment.handler.handle({"Records": [{"eventSource": "aws:ses"}]}, lambda: inf)


def test_an_upload_over_http_is_announced_and_then_one_version(deployment: Deployment) -> None:
    source, ledger = deployment.backend.source, deployment.tenant.ledger
    deployment.deliver(deployment.drop("notes/other.txt", "Text."))
    notes = deployment.tenant.collections.get("notes")
    announced = source.put(TENANT, "notes", "a.txt", BytesIO(b"Uploaded."), Attributes(title="A"))
    document = ledger.accept(announced, notes)
    assert document
    assert document.status is DocumentStatus.PENDING
    assert deployment.deliver(*_notifications(deployment)) == []
    ready = deployment.document("a.txt")
    assert (ready.id, ready.version, ready.title) == (document.id, 1, "A")
    source.remove(TENANT, "notes", "a.txt")
    assert deployment.deliver(*_notifications(deployment)) == []
    assert deployment.keys() == ["other.txt"]


def _notifications(deployment: Deployment) -> Sequence[dict[str, Any]]:
    return [change.notification for change in deployment.server.changes]
