"""Posting lists: whatever came, changed and left, and whenever it was folded in, scores are exact BM25."""

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.adapters.postgres import keyword_index
from rag.adapters.postgres.connection import Connection, Session
from rag.adapters.postgres.store import PostgresStore, PostgresTenantStore
from rag.domain.filters import Comparison
from rag.domain.search import SearchMode, SearchRequest
from tests.rag.adapters.postgres.builders import collection, delete, ready, searched
from tests.rag.adapters.postgres.scoring import bm25

WORDS = ["invoice", "payment", "refund", "contract", "NF-e", "the", "8.666/93", "deadline"]
TENANT = "local"
EVERYTHING = " ".join(WORDS)
LEASE = timedelta(minutes=1)

sentences = st.lists(st.sampled_from(WORDS), min_size=1, max_size=9).map(" ".join)
keys = st.sampled_from(["a.txt", "b.txt", "c.txt", "d.txt"])
steps: st.SearchStrategy[Any] = st.one_of(
    st.tuples(st.just("put"), keys, st.lists(sentences, min_size=1, max_size=4)),
    st.tuples(st.just("delete"), keys, st.just([])),
    st.tuples(st.just("fold"), st.just(""), st.just([])),
)


@pytest.fixture
def tenant(store: PostgresStore) -> PostgresTenantStore:
    return store.tenant(TENANT)


def fold(session: Session, tenant: PostgresTenantStore, *, most: int = keyword_index.MOST_MERGED) -> bool:
    with session.transaction() as connection:
        return keyword_index.fold(connection, TENANT, collection(tenant).id, most=most)


def rows(session: Session, statement: Any) -> list[dict[str, Any]]:
    with session.transaction() as connection:
        return connection.execute(statement).fetchall()


def matches_plain_bm25(tenant: PostgresTenantStore, held: Mapping[str, Sequence[str]], query: str) -> None:
    texts = [text for chunks in held.values() for text in chunks]
    found = searched(tenant, SearchRequest(query=query, mode=SearchMode.KEYWORD))
    expected = bm25(texts, query)
    assert sorted(p.text for p in found.passages) == sorted(text for text in texts if text in expected)
    assert all(math.isclose(p.scores["keyword"], expected[p.text], rel_tol=1e-9) for p in found.passages)
    assert found.terms.chunk_count == len(texts)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(steps, max_size=12), query=sentences, most=st.sampled_from([1, 3, 1000]))
def test_no_history_changes_a_score(
    tenant: PostgresTenantStore, session: Session, history: list[Any], query: str, most: int
) -> None:
    clear(tenant, session)
    held: dict[str, list[str]] = {}
    for order, (step, key, texts) in enumerate(history, 1):
        if step == "put":
            ready(tenant, key, *texts, order=order)
            held[key] = texts
        elif step == "delete" and held.pop(key, None):
            delete(tenant, key, order)
        elif step == "fold":
            assert fold(session, tenant, most=most)
    matches_plain_bm25(tenant, held, query)
    fold(session, tenant, most=most)
    matches_plain_bm25(tenant, held, query)


def clear(tenant: PostgresTenantStore, session: Session) -> None:
    """Also the tombstones, which would refuse the next history."""
    identity = collection(tenant).id
    with session.transaction() as connection:
        connection.execute("DELETE FROM documents WHERE collection_id = %s", (identity,))
        connection.execute("DELETE FROM collections WHERE collection_id = %s", (identity,))
    collection(tenant)
    for table in ("keyword_postings", "keyword_removals"):
        assert not rows(session, f"SELECT * FROM {table}")  # noqa: S608 - two names from above


def test_two_folds_make_few_segments_and_lose_nothing(tenant: PostgresTenantStore, session: Session) -> None:
    held = {f"{number}.txt": [f"invoice {number}"] for number in range(12)}
    for key, texts in held.items():
        ready(tenant, key, *texts)
        fold(session, tenant)
    assert len(rows(session, "SELECT FROM keyword_segments")) <= math.log2(len(held)) + 1
    matches_plain_bm25(tenant, held, "invoice 7")


def test_who_left_is_forgotten_when_its_segment_is_rewritten(
    tenant: PostgresTenantStore, session: Session
) -> None:
    for number in range(4):
        ready(tenant, f"{number}.txt", EVERYTHING)
    fold(session, tenant)
    for number in range(3):
        delete(tenant, f"{number}.txt", 2)
    assert len(rows(session, "SELECT FROM keyword_removals")) == 3
    fold(session, tenant)
    assert not rows(session, "SELECT FROM keyword_removals")
    segments = rows(session, "SELECT chunk_count, removed_chunks, removed_numbers FROM keyword_segments")
    assert segments == [{"chunk_count": 1, "removed_chunks": 0, "removed_numbers": []}]
    assert {row["n"] for row in rows(session, "SELECT cardinality(entries) AS n FROM keyword_postings")} == {
        1
    }


def test_common_terms_are_read_in_blocks_from_the_best(tenant: PostgresTenantStore, session: Session) -> None:
    long = "the " + "payment " * 30
    ready(tenant, "long.txt", *[long] * 1500)
    ready(tenant, "short.txt", "the")
    fold(session, tenant)
    blocks = rows(
        session, "SELECT block, entry_count, posting_count FROM keyword_postings ORDER BY code, block"
    )
    assert {(1000, 1501), (501, 0), (1000, 1500), (500, 0)} == {
        (row["entry_count"], row["posting_count"]) for row in blocks
    }
    found = searched(tenant, SearchRequest(query="the", mode=SearchMode.KEYWORD), limit=1)
    assert [p.document.key for p in found.passages] == ["short.txt"]
    assert dict(found.terms.document_frequency) == {"the": 1501}


def test_a_filter_that_drops_the_best_still_finds_the_rest(
    tenant: PostgresTenantStore, session: Session
) -> None:
    ready(tenant, "loud.txt", *["invoice invoice invoice"] * 7000)
    ready(tenant, "quiet.txt", *[f"invoice {'payment ' * 8}"] * 30, metadata={"kind": "quiet"})
    fold(session, tenant)
    for op in ("eq", "ne"):
        wanted = Comparison(field="metadata.kind", op=op, value="quiet")
        request = SearchRequest(query="invoice", filter=wanted)
        found = searched(tenant, request, [1.0, 0.0, 0.0], limit=20).passages
        assert len(found) == 20
        assert {p.document.key for p in found} == {"quiet.txt" if op == "eq" else "loud.txt"}


def test_workers_fold_what_has_become_much(tenant: PostgresTenantStore, session: Session) -> None:
    ready(tenant, "a.txt", *["invoice"] * keyword_index.MOST_FRESH)
    assert not tenant.index.maintain()
    ready(tenant, "b.txt", "invoice")
    assert tenant.index.maintain()
    assert rows(session, "SELECT chunk_count FROM keyword_segments") == [
        {"chunk_count": keyword_index.MOST_FRESH + 1}
    ]
    assert not tenant.index.maintain()


def test_a_deleted_collection_leaves_no_posting(tenant: PostgresTenantStore, session: Session) -> None:
    ready(tenant, "a.txt", EVERYTHING)
    fold(session, tenant)
    assert rows(session, "SELECT FROM keyword_postings")
    tenant.collections.delete("notes")
    while work := tenant.ledger.claim(LEASE):
        tenant.ledger.erase(work)
    for table in ("keyword_postings", "keyword_segments", "keyword_removals"):
        assert not rows(session, f"SELECT FROM {table}")


def test_keeping_the_indexes_up_is_not_limited_as_searches_are(
    tenant: PostgresTenantStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It writes for a minute; ended after the time of a search, a large collection never got its index."""
    ready(tenant, "a.txt", *["invoice"] * 3)
    monkeypatch.setattr(keyword_index, "MOST_FRESH", 2)
    limits: list[str] = []

    def fold(connection: Connection, *_: str) -> bool:
        row = connection.execute("SHOW statement_timeout").fetchone() or {}
        limits.append(row["statement_timeout"])
        return False

    monkeypatch.setattr(keyword_index, "fold", fold)
    assert not tenant.index.maintain()
    assert limits == ["0"]
