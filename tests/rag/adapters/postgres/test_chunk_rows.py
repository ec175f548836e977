"""Groups of chunks as rows: what is written is read again, once, and goes with its document."""

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.sql import SQL
from psycopg.types.json import Jsonb

from rag.adapters.postgres.migrate import migrations
from rag.adapters.postgres.store import PostgresStore, PostgresTenantStore
from rag.domain.content import Chunk, EmbeddedChunk, Vector
from rag.domain.documents import Work
from rag.domain.pages import PageRequest
from rag.text.term_codes import counted_codes
from rag.text.terms import analyse
from tests.rag.adapters.postgres.builders import (
    LEASE,
    built,
    claim,
    collection,
    embedded,
    event,
    ready,
    stage,
)

VECTOR = [1.0, 0.0, 0.0]

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
offsets = st.integers(0, 2**31 - 1)
chunks = st.builds(
    Chunk,
    ordinal=st.just(0),
    start=offsets,
    end=offsets,
    text=texts,
    page=st.none() | st.integers(1, 9999),
    page_breaks=st.lists(offsets, max_size=3).map(tuple),
    headings=st.lists(texts, max_size=3).map(tuple),
)


@pytest.fixture
def tenant(store: PostgresStore) -> PostgresTenantStore:
    return store.tenant("local")


def accepted(tenant: PostgresTenantStore, key: str = "a.txt") -> Work:
    tenant.ledger.accept(event(tenant, key, 1), collection(tenant))
    return claim(tenant)


def plain(count: int) -> list[EmbeddedChunk]:
    return [
        embedded(Chunk(ordinal=number, start=number, end=number, text=f"text {number}"), VECTOR)
        for number in range(count)
    ]


def rows(conninfo: str, query: str) -> list[Any]:
    with psycopg.connect(conninfo) as connection:
        return connection.execute(SQL(query)).fetchall()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=st.lists(chunks, min_size=1, max_size=8))
def test_every_field_comes_back(tenant: PostgresTenantStore, conninfo: str, written: list[Chunk]) -> None:
    group = [
        embedded(Chunk(**{**vars(chunk), "ordinal": ordinal}), VECTOR)
        for ordinal, chunk in enumerate(written)
    ]
    work = accepted(tenant, f"{len(rows(conninfo, 'SELECT FROM acervo.documents'))}.txt")
    assert tenant.ledger.stage(work, group, "en", lease=LEASE)
    with psycopg.connect(conninfo) as connection:
        found = connection.execute(
            "SELECT ordinal, start_offset, end_offset, text, page, page_breaks, headings, terms, term_count,"
            " embedded_sha256 FROM acervo.chunks WHERE document_id = %s ORDER BY ordinal",
            (work.document_id,),
        ).fetchall()
    assert found == [
        (
            ordinal,
            item.chunk.start,
            item.chunk.end,
            item.chunk.text,
            item.chunk.page,
            list(item.chunk.page_breaks),
            list(item.chunk.headings),
            list(item.terms),
            len(analyse(item.chunk.text, "en")),
            item.embedded_sha256,
        )
        for ordinal, item in enumerate(group)
    ]


@pytest.mark.parametrize("count", [0, 1, 100, 101, 350])
def test_groups_of_any_size(tenant: PostgresTenantStore, conninfo: str, count: int) -> None:
    work = accepted(tenant)
    assert tenant.ledger.stage(work, plain(count), "en", lease=LEASE)
    joined = (
        "SELECT count(*), count(DISTINCT chunk_id)"
        " FROM acervo.chunks JOIN acervo.chunk_embeddings USING (tenant_id, chunk_id)"
    )
    assert rows(conninfo, joined) == [(count, count)]


@pytest.mark.parametrize(
    "vector",
    [
        [0.1, -2.5, 3e4],
        array("f", [0.1, -2.5, 3e4]),
        np.array([0.1, -2.5, 3e4], dtype=np.float32),
        (0.1, -2.5, 3e4),
    ],
)
def test_vectors_of_any_kind(tenant: PostgresTenantStore, vector: Vector) -> None:
    work = accepted(tenant)
    item = embedded(Chunk(ordinal=0, start=0, end=4, text="text"), vector)
    tenant.ledger.stage(work, [item], "en", lease=LEASE)
    (found,) = tenant.ledger.known_embeddings(work.collection.embedding, [item.embedded_sha256]).values()
    assert np.array_equal(np.asarray(found), np.asarray(vector, np.float16))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(groups=st.lists(st.sets(st.integers(0, 150), max_size=120), max_size=4))
def test_staging_again_changes_nothing(
    tenant: PostgresTenantStore, conninfo: str, groups: Sequence[set[int]]
) -> None:
    work = accepted(tenant, f"{len(rows(conninfo, 'SELECT FROM acervo.documents'))}.txt")
    known: dict[int, str] = {}
    for ordinals in groups:
        group = [item for item in plain(151) if item.chunk.ordinal in ordinals]
        assert tenant.ledger.stage(work, group, "en", lease=LEASE)
        with psycopg.connect(conninfo) as connection:
            found: dict[int, str] = dict(
                connection.execute(
                    "SELECT ordinal, chunk_id"
                    " FROM acervo.chunks JOIN acervo.chunk_embeddings USING (tenant_id, chunk_id)"
                    " WHERE document_id = %s",
                    (work.document_id,),
                ).fetchall()
            )
        assert found.keys() == known.keys() | ordinals
        assert found.items() >= known.items()
        known = found


@pytest.mark.parametrize("statement", ["DELETE FROM acervo.chunks", "DELETE FROM acervo.documents"])
def test_vectors_go_with_their_chunks(tenant: PostgresTenantStore, conninfo: str, statement: str) -> None:
    ready(tenant, "a.txt", "one", "two")
    tenant.ledger.accept(event(tenant, "b.txt", 1), collection(tenant))
    stage(tenant, claim(tenant), ["three"])
    with psycopg.connect(conninfo) as connection:
        assert connection.execute("SELECT count(*) FROM acervo.chunk_embeddings").fetchone() == (3,)
        connection.execute(
            statement.encode() + b" WHERE document_id IN (SELECT document_id FROM"
            b" acervo.documents WHERE key = 'a.txt')"
        )
        left = connection.execute("SELECT count(*) FROM acervo.chunk_embeddings").fetchone()
    assert left == (1,)


def test_the_application_deletes_only_vectors_of_its_tenant(store: PostgresStore, conninfo: str) -> None:
    for name in ("alpha", "beta"):
        ready(store.tenant(name), "a.txt", "one", "two")
    alpha = store.tenant("alpha")
    alpha.ledger.accept(event(alpha, "a.txt", 2, operation="delete"), collection(alpha))
    alpha.ledger.erase(claim(alpha))
    assert rows(conninfo, "SELECT tenant_id FROM acervo.chunk_embeddings") == [("beta",), ("beta",)]


def test_earlier_terms_become_codes(conninfo: str) -> None:
    counts = {"invoic": 2, "nf-e": 1, "ação": 5000, "8.666/93": 1}
    first, second, third, *_ = (text for _, text in migrations())
    with psycopg.connect(conninfo) as connection:
        connection.execute("CREATE SCHEMA earlier")
        connection.execute("SET search_path = earlier, public")
        connection.execute(first.encode())
        connection.execute(second.encode())
        connection.execute("SET session_replication_role = replica")  # no document is needed
        for number, terms in enumerate([counts, {}]):
            connection.execute(
                "INSERT INTO chunks VALUES ('t', %(number)s, 'c', 'd', 1, %(number)s, 0, 1, NULL, '{}', '{}',"
                " 'en', 'x', %(terms)s, 1, '')",
                {"number": number, "terms": Jsonb(terms)},
            )
        connection.execute("SET session_replication_role = origin")
        connection.execute(third.encode())
        found = connection.execute("SELECT chunk_id, terms FROM chunks ORDER BY chunk_id").fetchall()
        connection.rollback()
    assert found == [("0", list(counted_codes(counts))), ("1", [])]


def test_a_published_group_is_searchable_as_a_whole(tenant: PostgresTenantStore) -> None:
    work = accepted(tenant)
    extracted = stage(tenant, work, [f"text {number}" for number in range(250)])
    assert tenant.ledger.publish(work, built(250), extracted)
    first = tenant.documents.chunks(work.document_id, PageRequest(limit=100))
    assert [passage.text for passage in first.items] == [f"text {number}" for number in range(100)]
