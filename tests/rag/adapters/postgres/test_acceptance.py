"""Doors, announcements, observations: how events of several kinds change one ledger."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from threading import current_thread, main_thread
from typing import Any

import psycopg
import pytest
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow

from rag.adapters.postgres.store import PostgresStore, PostgresTenantStore
from rag.domain.documents import Document, DocumentStatus, SourceEvent, SourceKind
from rag.domain.pages import PageRequest
from rag.errors import ConflictingSource, DatabaseUnavailable, DocumentNotFound
from tests.rag.adapters.postgres.builders import LEASE, built, claim, collection, event, publish, ready, stage

S3 = {"kind": SourceKind.S3, "uri": "s3://bucket/notes/a.txt"}


@pytest.fixture
def tenant(store: PostgresStore) -> PostgresTenantStore:
    return store.tenant("local")


def s3_event(tenant: PostgresTenantStore, order: str, **changes: Any) -> SourceEvent:
    happened = event(tenant, "a.txt", 0, **{**S3, "etag": order, **changes})
    return replace(happened, order=order)


def kinesis_event(tenant: PostgresTenantStore, order: int, **changes: Any) -> SourceEvent:
    values = {"kind": SourceKind.KINESIS, "uri": f"kinesis:shard/{order}", "record": b"{}"}
    return event(tenant, "a.txt", order, **{**values, **changes})


def accept(tenant: PostgresTenantStore, happened: SourceEvent) -> Document | None:
    return tenant.ledger.accept(happened, collection(tenant))


def history(tenant: PostgresTenantStore, document: Document) -> list[str]:
    return [entry.event for entry in tenant.documents.history(document.id, PageRequest()).items]


def test_an_announced_upload_and_its_event_are_one_version(tenant: PostgresTenantStore) -> None:
    announced = accept(tenant, s3_event(tenant, "", etag="state", kind=SourceKind.API))
    assert announced
    assert announced.status is DocumentStatus.PENDING
    arrived = accept(tenant, s3_event(tenant, "A1", etag="state"))
    assert arrived
    assert arrived.id == announced.id
    assert publish(tenant, claim(tenant), ["Text."])
    document = tenant.documents.get(arrived.id)
    assert (document.version, document.source_kind) == (1, SourceKind.API)
    assert tenant.ledger.order(collection(tenant), "a.txt") == "A1"


def test_an_announcement_after_its_event_changes_nothing(tenant: PostgresTenantStore) -> None:
    accept(tenant, s3_event(tenant, "A1", etag="state"))
    publish(tenant, claim(tenant), ["Text."])
    document = accept(tenant, s3_event(tenant, "", etag="state", kind=SourceKind.API))
    assert document
    assert document.status is DocumentStatus.READY
    assert tenant.ledger.claim(LEASE) is None


def test_an_announced_document_still_knows_its_tombstone(tenant: PostgresTenantStore) -> None:
    accept(tenant, s3_event(tenant, "A5", operation="delete"))
    announced = accept(tenant, s3_event(tenant, "", etag="state", kind=SourceKind.API))
    assert announced
    late = accept(tenant, s3_event(tenant, "A4", etag="old"))
    assert late
    assert history(tenant, announced) == ["accepted"]


def test_an_announced_deletion_hides_at_once_and_the_event_erases(tenant: PostgresTenantStore) -> None:
    document = ready(tenant, "a.txt", "Text.")
    hidden = accept(tenant, replace(event(tenant, "a.txt", 0, operation="delete"), order=""))
    assert hidden
    assert hidden.status is DocumentStatus.DELETING
    tenant.ledger.erase(claim(tenant))
    with pytest.raises(DocumentNotFound):
        tenant.documents.get(document.id)


def test_a_new_side_car_brings_the_document_back_to_the_queue(tenant: PostgresTenantStore) -> None:
    described = s3_event(tenant, "", operation="describe")
    assert accept(tenant, described) is None
    accept(tenant, s3_event(tenant, "A1"))
    publish(tenant, claim(tenant), ["Text."])
    document = accept(tenant, described)
    assert document
    assert document.status is DocumentStatus.PENDING
    assert history(tenant, document)[-1] == "described"


def test_a_key_belongs_to_one_door_and_says_so_once(tenant: PostgresTenantStore) -> None:
    document = accept(tenant, s3_event(tenant, "A1"))
    assert document
    for _ in range(2):
        with pytest.raises(ConflictingSource):
            accept(tenant, kinesis_event(tenant, 7))
    assert history(tenant, document) == ["accepted", "conflicting_source"]
    assert tenant.documents.get(document.id).source_kind is SourceKind.S3


def test_each_door_remembers_its_own_deletions(tenant: PostgresTenantStore) -> None:
    accept(tenant, s3_event(tenant, "A2", operation="delete"))
    assert accept(tenant, kinesis_event(tenant, 1)), "orders of two doors are not compared"
    accept(tenant, kinesis_event(tenant, 2, operation="delete"))
    tenant.ledger.erase(claim(tenant))
    assert accept(tenant, s3_event(tenant, "A1")) is None
    assert accept(tenant, kinesis_event(tenant, 1)) is None


def test_a_record_is_kept_with_its_document_and_goes_with_it(tenant: PostgresTenantStore) -> None:
    document = accept(tenant, kinesis_event(tenant, 1, record=b"first"))
    accept(tenant, kinesis_event(tenant, 3, record=b"third"))
    accept(tenant, kinesis_event(tenant, 2, record=b"second"))
    assert document
    assert tenant.documents.record(document.id) == b"third"
    assert claim(tenant).record == b"third"
    accept(tenant, kinesis_event(tenant, 4, operation="delete", record=None))
    tenant.ledger.erase(claim(tenant))
    with pytest.raises(DocumentNotFound):
        tenant.documents.record(document.id)


def test_what_was_observed_is_accepted_unless_something_happened_since(tenant: PostgresTenantStore) -> None:
    notes = collection(tenant)
    seen = s3_event(tenant, "", etag="seen")
    assert tenant.ledger.repair(seen, notes, known=tenant.ledger.order(notes, "a.txt"))
    accept(tenant, s3_event(tenant, "A1", etag="event"))
    assert not tenant.ledger.repair(seen, notes, known="")
    assert tenant.ledger.repair(s3_event(tenant, "", operation="delete"), notes, known="A1")
    tenant.ledger.erase(claim(tenant))
    assert tenant.ledger.order(notes, "a.txt") == "A1"
    assert accept(tenant, s3_event(tenant, "A1")) is None


def test_one_document_is_claimed_before_its_time(tenant: PostgresTenantStore) -> None:
    document = accept(tenant, s3_event(tenant, "A1"))
    assert document
    tenant.ledger.release(claim(tenant), code="throttled", detail="-", delay=timedelta(hours=1))
    assert tenant.ledger.claim(LEASE) is None
    again = tenant.ledger.claim(LEASE, document.id)
    assert again
    assert again.attempts == 2
    assert tenant.ledger.claim(LEASE, document.id) is None
    tenant.ledger.release(again, code="out_of_time", detail="-", delay=timedelta(), counts=False)
    assert claim(tenant).attempts == 2


def test_publishing_again_after_a_lost_answer_is_a_success(tenant: PostgresTenantStore) -> None:
    accept(tenant, s3_event(tenant, "A1"))
    work = claim(tenant)
    extracted = stage(tenant, work, ["Text."])
    assert tenant.ledger.publish(work, built(1), extracted)
    assert tenant.ledger.publish(work, built(1), extracted)
    assert len(tenant.documents.chunks(work.document_id, PageRequest()).items) == 1


def test_vectors_of_a_failure_that_may_be_tried_again_are_kept(tenant: PostgresTenantStore) -> None:
    accept(tenant, s3_event(tenant, "A1"))
    work = claim(tenant)
    stage(tenant, work, ["Text."])
    tenant.ledger.fail(work, code="throttled", detail="-", retryable=True)
    tenant.documents.retry(work.document_id)
    again = claim(tenant)
    model = again.collection.embedding
    digest = b"\x00" * 32
    assert tenant.ledger.known_embeddings(model, [digest]) == {}
    assert publish(tenant, again, ["Text."])


class Flaky(psycopg.Connection[DictRow]):
    """Breaks off as often as `failures` says, but not while the pool's own threads connect."""

    failures = 0

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        working = current_thread() is main_thread()
        if working and Flaky.failures and self.info.transaction_status is TransactionStatus.INTRANS:
            Flaky.failures -= 1
            self.close()
            raise psycopg.OperationalError("the server closed the connection")
        return super().wait(gen, interval, timeout)


@pytest.fixture
def flaky(conninfo: str) -> Iterator[tuple[PostgresStore, list[float]]]:
    pauses: list[float] = []
    opened = PostgresStore(conninfo, migrates=False, patience=5, pause=pauses.append, connection_class=Flaky)
    yield opened, pauses
    Flaky.failures = 0
    opened.close()


def test_the_write_path_waits_for_the_database(flaky: tuple[PostgresStore, list[float]]) -> None:
    store, pauses = flaky
    tenant = store.tenant("local")
    notes = collection(tenant)
    Flaky.failures = 3
    assert tenant.ledger.accept(event(tenant, "a.txt", 1), notes)
    assert Flaky.failures == 0
    assert pauses
    pauses.clear()
    Flaky.failures = 1000
    with pytest.raises(DatabaseUnavailable):
        tenant.ledger.claim(LEASE)
    assert sum(pauses) < 5
