"""The HNSW index: what it finds is what looking at every vector finds, of searchable versions only."""

import math
from collections.abc import Iterable

import psycopg
import pytest

from rag.adapters.postgres import keyword_index, search, vector_index
from rag.adapters.postgres.connection import SCHEMA, Session
from rag.adapters.postgres.migrate import migrations
from rag.adapters.postgres.search_statement import FEW_CHUNKS
from rag.adapters.postgres.store import PostgresStore, PostgresTenantStore
from rag.domain.filters import Comparison, Filter
from rag.domain.search import SearchMode, SearchRequest
from tests.rag.adapters.postgres.builders import claim, collection, delete, ready, searched

TENANT = "local"
NORTH = [1.0, 0.0, 0.0]
DOCUMENTS = 30
COUNT = 20 * DOCUMENTS


def at(angle: float) -> list[float]:
    return [math.cos(angle), math.sin(angle), 0.0]


@pytest.fixture
def tenant(store: PostgresStore) -> PostgresTenantStore:
    return store.tenant(TENANT)


def index(session: Session, tenant: PostgresTenantStore) -> None:
    identity = collection(tenant).id
    with session.transaction() as connection:
        keyword_index.fold(connection, TENANT, identity)
        vector_index.ensure(connection, identity, worthwhile=1)


def nearest(tenant: PostgresTenantStore, limit: int, wanted: Filter | None = None) -> list[str]:
    request = SearchRequest(query="word", mode=SearchMode.SEMANTIC, filter=wanted)
    return [p.text for p in searched(tenant, request, NORTH, limit=limit).passages]


def words(numbers: Iterable[int]) -> list[str]:
    return [f"word {number}" for number in numbers]


def fan(tenant: PostgresTenantStore) -> None:
    """Documents of twenty chunks, each chunk farther from the north than the one before."""
    for document in range(DOCUMENTS):
        numbers = range(document * 20, document * 20 + 20)
        vectors = [at(number / COUNT) for number in numbers]
        ready(tenant, f"{document}.txt", *words(numbers), vectors=vectors, metadata={"tens": document // 10})


def test_the_index_finds_what_a_scan_finds(tenant: PostgresTenantStore, session: Session) -> None:
    fan(tenant)
    scanned = nearest(tenant, 20)
    assert not tenant.indexes.status("notes").vector_index
    index(session, tenant)
    assert tenant.indexes.status("notes").vector_index
    assert nearest(tenant, 20) == scanned == words(range(20))


def test_what_was_deleted_or_replaced_makes_room(tenant: PostgresTenantStore, session: Session) -> None:
    fan(tenant)
    index(session, tenant)
    for document in range(0, 16, 2):
        delete(tenant, f"{document}.txt", 2)
        ready(tenant, f"{document + 1}.txt", "word again", order=2, vectors=[at(3.0)])
    assert nearest(tenant, 10) == words(range(320, 330))


def test_what_comes_later_is_taken_in_with_less_looking_around(
    tenant: PostgresTenantStore, session: Session
) -> None:
    fan(tenant)
    index(session, tenant)
    assert options(session) == ["m=24", "ef_construction=100"]
    index(session, tenant)  # is no second one
    ready(tenant, "later.txt", "word later", vectors=[at(0.2 / COUNT)])
    assert nearest(tenant, 3) == ["word 0", "word later", "word 1"]


def test_an_index_that_was_made_before_takes_in_what_comes_later_alike(
    tenant: PostgresTenantStore, session: Session, conninfo: str
) -> None:
    fan(tenant)
    index(session, tenant)
    [name] = indexes(session)
    with psycopg.connect(conninfo, autocommit=True, options=f"-c search_path={SCHEMA},public") as owner:
        owner.execute(f"ALTER INDEX {name} SET (ef_construction = 200)")
        assert options(session) == ["m=24", "ef_construction=200"]
        owner.execute(dict(migrations())[11].encode())
    assert options(session) == ["m=24", "ef_construction=100"]


@pytest.mark.parametrize("few", [0, FEW_CHUNKS])
@pytest.mark.parametrize("mode", SearchMode)
def test_a_filter_scores_the_same_with_indexes_and_without(
    tenant: PostgresTenantStore, session: Session, monkeypatch: pytest.MonkeyPatch, few: int, mode: SearchMode
) -> None:
    fan(tenant)
    wanted = Comparison(field="metadata.tens", op="eq", value=2)
    request = SearchRequest(query="word 407", mode=mode, filter=wanted)
    scanned = searched(tenant, request, NORTH, limit=10).passages
    index(session, tenant)
    monkeypatch.setattr(search, "FEW_CHUNKS", few)
    found = searched(tenant, request, NORTH, limit=10).passages
    assert found[0].text == scanned[0].text
    assert [passage.scores for passage in found] == [pytest.approx(passage.scores) for passage in scanned]


def test_a_filter_gets_as_many_as_there_are(tenant: PostgresTenantStore, session: Session) -> None:
    fan(tenant)
    index(session, tenant)
    wanted = Comparison(field="metadata.tens", op="eq", value=2)
    assert nearest(tenant, 10, wanted) == words(range(400, 410))


def test_a_small_collection_gets_no_index(tenant: PostgresTenantStore, session: Session) -> None:
    ready(tenant, "a.txt", "word", vectors=[NORTH])
    with session.transaction() as connection:
        keyword_index.fold(connection, TENANT, collection(tenant).id)
        vector_index.ensure(connection, collection(tenant).id)
    assert not tenant.indexes.status("notes").vector_index
    assert nearest(tenant, 10) == ["word"]


def test_it_goes_with_its_collection(tenant: PostgresTenantStore, session: Session) -> None:
    ready(tenant, "a.txt", "word", vectors=[NORTH])
    index(session, tenant)
    assert indexes(session)
    tenant.collections.delete("notes")
    tenant.ledger.erase(claim(tenant))
    assert not indexes(session)


def options(session: Session) -> list[str]:
    with session.transaction() as connection:
        [row] = connection.execute(
            "SELECT reloptions FROM pg_class WHERE relname = ANY(%s)", [indexes(session)]
        )
        return list(row["reloptions"])


def indexes(session: Session) -> list[str]:
    with session.transaction() as connection:
        rows = connection.execute(r"SELECT indexname FROM pg_indexes WHERE indexname LIKE 'vectors\_%'")
        return [row["indexname"] for row in rows]
