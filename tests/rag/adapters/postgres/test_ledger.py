"""What may never happen to a document, one rule a test."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.sql import SQL, Identifier

from rag.adapters.postgres.store import PostgresStore, PostgresTenantStore
from rag.domain.documents import Attributes, DocumentStatus
from rag.domain.ids import new_id
from rag.domain.pages import PageRequest
from rag.domain.search import SearchMode, SearchRequest
from rag.errors import DocumentNotFailed, DocumentNotFound
from tests.rag.adapters.postgres.builders import (
    MODEL,
    built,
    claim,
    collection,
    event,
    publish,
    ready,
    searched,
    stage,
)


@pytest.fixture
def tenant(store: PostgresStore) -> PostgresTenantStore:
    return store.tenant("local")


def found(store: PostgresTenantStore, query: str) -> list[str]:
    collection(store)
    candidates = searched(store, SearchRequest(query=query, mode=SearchMode.KEYWORD))
    return [passage.text for passage in candidates.passages]


def test_a_new_version_is_invisible_until_it_is_published(tenant: PostgresTenantStore) -> None:
    ready(tenant, "a.txt", "The old sentence.")
    tenant.ledger.accept(event(tenant, "a.txt", 2), collection(tenant))
    work = claim(tenant)
    extracted = stage(tenant, work, ["The new sentence."])
    assert found(tenant, "sentence") == ["The old sentence."]
    assert tenant.documents.find("notes", "a.txt").status is DocumentStatus.PROCESSING
    assert tenant.ledger.publish(work, built(1), extracted)
    assert found(tenant, "sentence") == ["The new sentence."]
    document = tenant.documents.find("notes", "a.txt")
    assert (document.status, document.version) == (DocumentStatus.READY, 2)
    assert tenant.documents.text(document.id) == "The new sentence."


def test_a_superseded_version_is_never_published(tenant: PostgresTenantStore) -> None:
    tenant.ledger.accept(event(tenant, "a.txt", 1), collection(tenant))
    work = claim(tenant)
    tenant.ledger.accept(event(tenant, "a.txt", 2), collection(tenant))
    assert not tenant.ledger.renew(work, timedelta(seconds=30))
    assert not publish(tenant, work, ["Late."])
    assert found(tenant, "late") == []
    assert publish(tenant, claim(tenant), ["Right."])
    assert found(tenant, "right") == ["Right."]


def test_a_worker_that_lost_its_lease_cannot_publish(tenant: PostgresTenantStore) -> None:
    tenant.ledger.accept(event(tenant, "a.txt", 1), collection(tenant))
    first = tenant.ledger.claim(timedelta(0))
    assert first is not None
    stage(tenant, first, ["First worker."])
    assert tenant.ledger.renew(first, timedelta(0))
    second = claim(tenant)
    assert second.attempts == 2
    extracted = stage(tenant, second, ["Second worker."])
    assert not tenant.ledger.publish(first, built(1), extracted)
    assert tenant.ledger.publish(second, built(1), extracted)
    assert found(tenant, "worker") == ["Second worker."]


def test_claimed_work_is_offered_to_no_other_until_its_lease_ends(tenant: PostgresTenantStore) -> None:
    tenant.ledger.accept(event(tenant, "a.txt", 1), collection(tenant))
    claim(tenant)
    assert tenant.ledger.claim(timedelta(seconds=30)) is None


def test_a_late_event_neither_replaces_nor_resurrects(tenant: PostgresTenantStore) -> None:
    ready(tenant, "a.txt", "Newest.", order=5)
    tenant.ledger.accept(event(tenant, "a.txt", 3), collection(tenant))
    assert tenant.ledger.claim(timedelta(seconds=30)) is None
    tenant.ledger.accept(event(tenant, "a.txt", 6, operation="delete"), collection(tenant))
    tenant.ledger.erase(claim(tenant))
    assert tenant.ledger.accept(event(tenant, "a.txt", 4), collection(tenant)) is None
    assert tenant.ledger.claim(timedelta(seconds=30)) is None
    assert tenant.ledger.accept(event(tenant, "a.txt", 7), collection(tenant)) is not None


def test_the_same_state_seen_again_costs_nothing(tenant: PostgresTenantStore) -> None:
    ready(tenant, "a.txt", "Text.", order=1)
    tenant.ledger.accept(event(tenant, "a.txt", 2, etag="1"), collection(tenant))
    assert tenant.ledger.claim(timedelta(seconds=30)) is None
    tenant.ledger.accept(event(tenant, "a.txt", 3, operation="delete"), collection(tenant))
    assert found(tenant, "text") == []


def test_unchanged_content_changes_only_the_attributes(tenant: PostgresTenantStore) -> None:
    before = ready(tenant, "a.txt", "Text.")
    tenant.ledger.accept(event(tenant, "a.txt", 2), collection(tenant))
    assert tenant.ledger.confirm(claim(tenant), Attributes(title="New", metadata={"team": "ops"}))
    after = tenant.documents.get(before.id)
    assert (after.title, after.metadata, after.version) == ("New", {"team": "ops"}, before.version)
    assert after.status is DocumentStatus.READY


def test_a_failure_says_why_and_keeps_the_old_version(tenant: PostgresTenantStore) -> None:
    document = ready(tenant, "a.txt", "Old.")
    with pytest.raises(DocumentNotFailed):
        tenant.documents.retry(document.id)
    tenant.ledger.accept(event(tenant, "a.txt", 2), collection(tenant))
    work = claim(tenant)
    stage(tenant, work, ["Half."])
    tenant.ledger.fail(work, code="corrupt", detail="Damaged.", retryable=False)
    failed = tenant.documents.get(document.id)
    assert failed.status is DocumentStatus.FAILED
    assert failed.failure is not None
    assert (failed.failure.code, failed.failure.detail, failed.version) == ("corrupt", "Damaged.", 1)
    assert found(tenant, "old half") == ["Old."]
    assert tenant.documents.retry(document.id).status is DocumentStatus.PENDING
    assert publish(tenant, claim(tenant), ["Mended."])
    assert found(tenant, "old half mended") == ["Mended."]


def test_released_work_waits_for_its_time(tenant: PostgresTenantStore) -> None:
    tenant.ledger.accept(event(tenant, "a.txt", 1), collection(tenant))
    tenant.ledger.release(claim(tenant), code="throttled", detail="Later.", delay=timedelta(hours=1))
    assert tenant.ledger.claim(timedelta(seconds=30)) is None
    tenant.ledger.accept(event(tenant, "b.txt", 1), collection(tenant))
    tenant.ledger.release(claim(tenant), code="throttled", detail="Now.", delay=timedelta(0))
    assert claim(tenant).key == "b.txt"


def test_vectors_of_an_interrupted_build_are_found_again(tenant: PostgresTenantStore) -> None:
    tenant.ledger.accept(event(tenant, "a.txt", 1), collection(tenant))
    work = tenant.ledger.claim(timedelta(0))
    assert work is not None
    stage(tenant, work, ["Paid for."], [[0.0, 1.0, 0.0]])
    digest = hashlib.sha256(b"Paid for.").digest()
    known = tenant.ledger.known_embeddings(MODEL, [digest, b"unknown"])
    assert {key: list(vector) for key, vector in known.items()} == {digest: [0.0, 1.0, 0.0]}
    other_size = replace(MODEL, dimensions=4)
    assert tenant.ledger.known_embeddings(other_size, [digest]) == {}


def test_a_delete_leaves_no_row_of_the_document(tenant: PostgresTenantStore, conninfo: str) -> None:
    document = ready(tenant, "a.txt", "Secret.")
    tenant.idempotency.begin("k", "0" * 64)
    tenant.idempotency.finish("k", 202, {}, f'{{"id": "{document.id}"}}'.encode())
    tenant.ledger.accept(event(tenant, "a.txt", 2, operation="delete"), collection(tenant))
    assert found(tenant, "secret") == []
    tenant.ledger.erase(claim(tenant))
    with pytest.raises(DocumentNotFound):
        tenant.documents.get(document.id)
    with psycopg.connect(conninfo) as connection:
        names = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'acervo'::regnamespace AND relkind = 'r'"
        ).fetchall()
        for (name,) in names:
            query = SQL("SELECT count(*) FROM acervo.{} t WHERE t::text LIKE %s").format(Identifier(name))
            assert connection.execute(query, (f"%{document.id}%",)).fetchone() == (0,), name


def test_a_deleted_collection_vanishes_at_once_and_is_erased_by_work(tenant: PostgresTenantStore) -> None:
    for number in range(3):
        ready(tenant, f"{number}.txt", "Text.")
    tenant.collections.delete("notes")
    assert tenant.collections.list(PageRequest()).items == ()
    again = collection(tenant)
    assert found(tenant, "text") == []
    for _ in range(3):
        tenant.ledger.erase(claim(tenant))
    assert tenant.ledger.claim(timedelta(seconds=30)) is None
    assert tenant.collections.get("notes").id == again.id


# An event, and whether the worker runs before the next one arrives.
deliveries = st.lists(st.tuples(st.integers(1, 6), st.booleans()), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deletions=st.sets(st.integers(1, 6)), delivered=deliveries)
def test_the_highest_order_wins_whatever_the_delivery(
    tenant: PostgresTenantStore, deletions: set[int], delivered: list[tuple[int, bool]]
) -> None:
    """Duplicates, reordering and work in between: the searchable state is that of the latest event."""
    key = new_id("key")
    for order, worker_runs in delivered:
        operation = "delete" if order in deletions else "upsert"
        happened = event(tenant, key, order, operation=operation, uri=f"folder:notes/{key}#{order}")
        tenant.ledger.accept(happened, collection(tenant))
        if worker_runs:
            work_off(tenant)
    work_off(tenant)
    latest = max(order for order, _ in delivered)
    expected = [] if latest in deletions else [f"state{latest}"]
    listed = tenant.documents.list("notes", PageRequest(), key_prefix=key).items
    assert [tenant.documents.text(document.id) for document in listed] == expected


def work_off(store: PostgresTenantStore) -> None:
    """What a worker does, the text naming the order it was built from."""
    while work := store.ledger.claim(timedelta(minutes=1)):
        if work.deleting:
            store.ledger.erase(work)
        else:
            assert publish(store, work, [f"state{int(work.source_uri.rpartition('#')[2])}"])
