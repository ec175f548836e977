"""Hybrid candidates against plain Python: BM25, cosine, filters, neighbours."""

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rag.adapters.postgres.store import PostgresStore, PostgresTenantStore
from rag.domain.filters import And, Comparison, Filter, Not, Or
from rag.domain.search import Candidates, SearchMode, SearchRequest
from rag.errors import CollectionNotFound
from tests.rag.adapters.postgres.builders import collection, event, ready, searched
from tests.rag.adapters.postgres.scoring import bm25

WORDS = ["invoice", "payment", "refund", "contract", "NF-e", "the", "8.666/93", "deadline"]


@pytest.fixture
def tenant(store: PostgresStore) -> PostgresTenantStore:
    return store.tenant("local")


def search(store: PostgresTenantStore, query: str, **changes: Any) -> Candidates:
    vector = changes.pop("vector", None)
    mode = SearchMode.KEYWORD if vector is None else SearchMode.HYBRID
    collection(store)
    request = SearchRequest(query=query, **{"mode": mode, **changes})
    return searched(store, request, vector)


sentences = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(sentences, min_size=1, max_size=8, unique=True), query=sentences)
@example(texts=["the"], query="the")
def test_keyword_scores_are_bm25(tenant: PostgresTenantStore, texts: list[str], query: str) -> None:
    clear(tenant)
    ready(tenant, "a.txt", *texts)
    scored = {passage.text: passage.scores["keyword"] for passage in search(tenant, query).passages}
    expected = bm25(texts, query)
    assert scored.keys() == expected.keys()
    assert all(math.isclose(scored[text], expected[text], rel_tol=1e-9) for text in expected)


def clear(store: PostgresTenantStore) -> None:
    collection(store)
    store.collections.delete("notes")
    while work := store.ledger.claim(timedelta(minutes=1)):
        store.ledger.erase(work)


def test_one_matching_word_is_enough(tenant: PostgresTenantStore) -> None:
    ready(tenant, "a.txt", "Refunds take five days.")
    passages = search(tenant, "Could you please tell me how many days a refund needs nowadays?").passages
    assert [passage.text for passage in passages] == ["Refunds take five days."]


def test_every_candidate_is_scored_in_both_legs(tenant: PostgresTenantStore) -> None:
    ready(tenant, "a.txt", "invoice", "payment", vectors=[[1.0, 0.0, 0.0], [0.6, 0.8, 0.0]])
    passages = {p.text: p for p in search(tenant, "payment", vector=[1.0, 0.0, 0.0]).passages}
    assert passages["invoice"].scores == pytest.approx({"semantic": 1.0}, abs=1e-3)
    assert passages["payment"].scores["semantic"] == pytest.approx(0.6, abs=1e-3)
    assert passages["payment"].ranks == {"semantic": 2, "keyword": 1}


def test_frequencies_tell_how_common_a_term_is(tenant: PostgresTenantStore) -> None:
    ready(tenant, "a.txt", "invoice payment", "invoice", "refund")
    statistics = search(tenant, "invoice contract").terms
    assert statistics.chunk_count == 3
    assert dict(statistics.document_frequency) == {"invoic": 2, "contract": 0}


@pytest.mark.parametrize(
    "query", ["'", "a & b | !c <-> :*", "\\", "'; DROP TABLE chunks; --", "?!…", "😀", " "]
)
def test_any_query_is_harmless(tenant: PostgresTenantStore, query: str) -> None:
    ready(tenant, "a.txt", "invoice")
    assert search(tenant, query).passages == ()


def test_other_collections_stay_out(tenant: PostgresTenantStore) -> None:
    ready(tenant, "a.txt", "invoice")
    collection(tenant, "other")
    request = SearchRequest(query="invoice", mode=SearchMode.KEYWORD, collections=("other",))
    assert searched(tenant, request).passages == ()
    assert searched(tenant, replace(request, collections=("other", "notes"))).passages


def test_an_unknown_collection_is_named(tenant: PostgresTenantStore) -> None:
    collection(tenant)
    with pytest.raises(CollectionNotFound, match="'nothing'"):
        tenant.index.collections(["notes", "nothing"])


def test_all_collections_are_those_that_are_not_being_deleted(tenant: PostgresTenantStore) -> None:
    for name in ("notes", "other", "gone"):
        collection(tenant, name)
    ready(tenant, "a.txt", "invoice")
    tenant.collections.delete("gone")
    assert [(c.name, c.languages) for c in tenant.index.collections(None)] == [
        ("notes", ("en",)),
        ("other", ()),
    ]


directions = st.floats(-1, 1).map(lambda cosine: [cosine, math.sqrt(1 - cosine**2), 0.0])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.tuples(sentences, directions), min_size=1, max_size=8, unique_by=lambda pair: pair[0]),
    query=sentences,
    weight=st.floats(0.01, 5),
    limit=st.integers(1, 8),
)
def test_a_hybrid_score_is_a_convex_combination_of_both_legs(
    tenant: PostgresTenantStore,
    texts: list[tuple[str, list[float]]],
    query: str,
    weight: float,
    limit: int,
) -> None:
    clear(tenant)
    ready(tenant, "a.txt", *(text for text, _ in texts), vectors=[vector for _, vector in texts])
    request = SearchRequest(query=query)
    passages = searched(tenant, request, [1.0, 0.0, 0.0], weight=weight, limit=limit).passages
    keyword = bm25([text for text, _ in texts], query)
    best = max(keyword.values(), default=1.0)
    expected = {
        text: (keyword.get(text, 0) / best + weight * max(0.0, vector[0])) / (1 + weight)
        for text, vector in texts
    }
    assert [p.score for p in passages] == pytest.approx(
        sorted(expected.values(), reverse=True)[:limit], abs=2e-3
    )
    assert all(p.score == pytest.approx(expected[p.text], abs=2e-3) for p in passages)
    assert [p.score for p in passages] == sorted((p.score for p in passages), reverse=True)


@pytest.mark.parametrize("mode", [SearchMode.KEYWORD, SearchMode.SEMANTIC])
def test_one_leg_alone_has_its_own_scores(tenant: PostgresTenantStore, mode: SearchMode) -> None:
    ready(tenant, "a.txt", "invoice", "payment", vectors=[[1.0, 0.0, 0.0], [0.6, 0.8, 0.0]])
    vector = None if mode is SearchMode.KEYWORD else [0.0, 1.0, 0.0]
    passages = search(tenant, "payment", vector=vector, mode=mode).passages
    assert passages[0].text == "payment"
    assert all(p.score == p.scores[mode.value] for p in passages)


def test_neighbours_widen_and_overlapping_passages_merge(tenant: PostgresTenantStore) -> None:
    words = ["agenda", "budget", "contract", "deadline", "employee", "forecast"]
    document = ready(tenant, "a.txt", *words)
    passages = search(tenant, "budget deadline forecast").passages
    by_text = {passage.text: passage for passage in passages}
    wide = tenant.index.widen([by_text["budget"], by_text["deadline"], by_text["forecast"]], 1)
    whole = tenant.documents.text(document.id)
    assert [passage.text for passage in wide] == ["\n\n".join(words)]
    single = tenant.index.widen([by_text["forecast"]], 1)
    assert [passage.text for passage in single] == ["employee\n\nforecast"]
    for passage in (*wide, *single):
        assert whole[passage.locator.start : passage.locator.end] == passage.text


# Filters against a plain evaluation of the same filter.

values = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["", "a", "ab", "b", "1"]))
metadata = st.dictionaries(
    st.sampled_from(["x", "y"]),
    st.one_of(values, st.lists(values, max_size=2), st.dictionaries(st.just("z"), values)),
)
fields = st.sampled_from(["metadata.x", "metadata.y", "metadata.x.z", "key"])


def comparisons() -> st.SearchStrategy[Filter]:
    def build(op: str, value: st.SearchStrategy[Any]) -> st.SearchStrategy[Filter]:
        return st.builds(lambda field, value: Comparison(field=field, op=op, value=value), fields, value)  # type: ignore[arg-type]

    ordered = st.one_of(st.integers(-3, 3), st.sampled_from(["", "a", "ab"]))
    return st.one_of(
        *(build(op, values) for op in ("eq", "ne", "contains")),
        *(build(op, ordered) for op in ("gt", "gte", "lt", "lte")),
        *(build(op, st.lists(values, min_size=1, max_size=3)) for op in ("in", "nin")),
        build("exists", st.booleans()),
        build("starts_with", st.sampled_from(["", "a", "b"])),
    )


filters = st.recursive(
    comparisons(),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: And(filters=tuple(parts))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Or(filters=tuple(parts))),
        inner.map(lambda part: Not(filter=part)),
    ),
    max_leaves=5,
)

MISSING = object()


def same(one: Any, other: Any) -> bool:
    """JSON equality: true is not 1."""
    return type(one) is type(other) and one == other


def evaluate(wanted: Filter, key: str, data: dict[str, Any]) -> bool:
    match wanted:
        case And(filters=parts):
            return all(evaluate(part, key, data) for part in parts)
        case Or(filters=parts):
            return any(evaluate(part, key, data) for part in parts)
        case Not(filter=part):
            return not evaluate(part, key, data)
        case Comparison():
            return compare(wanted, look_up(wanted.field, key, data))


def look_up(field: str, key: str, data: dict[str, Any]) -> Any:
    if field == "key":
        return key
    value: Any = data
    for step in field.split(".")[1:]:
        value = value.get(step, MISSING) if isinstance(value, dict) else MISSING
    return value


def compare(wanted: Comparison, found: Any) -> bool:
    value = wanted.value
    match wanted.op:
        case "exists":
            return (found is not MISSING) is value
        case "eq":
            return same(found, value)
        case "ne":
            return not same(found, value)
        case "in":
            return any(same(found, one) for one in value)
        case "nin":
            return not any(same(found, one) for one in value)
        case "contains":
            if isinstance(found, list):
                return any(same(one, value) for one in found)
            return isinstance(found, str) and isinstance(value, str) and value in found
        case "starts_with":
            return isinstance(found, str) and found.startswith(value)
    if type(found) is not type(value) or isinstance(found, bool):
        return False
    outcomes = {"gt": found > value, "gte": found >= value, "lt": found < value, "lte": found <= value}
    return bool(outcomes[wanted.op])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=filters, data=metadata)
def test_filters_mean_in_sql_what_they_mean_in_python(
    tenant: PostgresTenantStore, wanted: Filter, data: dict[str, Any]
) -> None:
    document = tenant.ledger.accept(event(tenant, "ab", 1), collection(tenant))
    assert document is not None
    tenant.documents.set_metadata(document.id, data)
    assert tenant.index.matches(document.id, wanted) == evaluate(wanted, "ab", data)


@pytest.mark.parametrize(
    ("op", "value", "expected"),
    [
        ("gt", "2020-01-01T00:00:00Z", True),
        ("lt", "2020-01-01T00:00:00-20:42", False),
        ("in", ["2020-01-01T00:00:00Z", 5], False),
        ("gt", 5, False),
    ],
)
def test_created_at_compares_as_time(
    tenant: PostgresTenantStore,
    op: Any,
    value: Any,
    expected: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    document = ready(tenant, "a.txt", "text")
    assert tenant.index.matches(document.id, Comparison(field="created_at", op=op, value=value)) is expected


def test_search_obeys_its_filter_in_both_legs(tenant: PostgresTenantStore) -> None:
    ready(tenant, "a.txt", "invoice one", metadata={"year": 2025})
    ready(tenant, "b.txt", "invoice two", metadata={"year": 2026})
    wanted = Comparison(field="metadata.year", op="gte", value=2026)
    passages = search(tenant, "invoice", vector=[1.0, 0.0, 0.0], filter=wanted).passages
    assert [passage.text for passage in passages] == ["invoice two"]
