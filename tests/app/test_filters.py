import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.filters import parse_filter
from rag.domain.filters import And, Comparison, Not, Or
from rag.errors import InvalidFilter


def compare(field: Any = "metadata.a", op: Any = "eq", value: Any = 1) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


def test_every_form_is_parsed() -> None:
    parsed = parse_filter({"and": [compare(), {"or": [{"not": compare("key", "starts_with", "a/")}]}]})
    assert parsed == And(
        filters=(
            Comparison(field="metadata.a", op="eq", value=1),
            Or(filters=(Not(filter=Comparison(field="key", op="starts_with", value="a/")),)),
        )
    )


def nested(levels: int) -> Any:
    return compare() if levels == 1 else {"not": nested(levels - 1)}


def test_the_limits_are_inclusive() -> None:
    parse_filter(nested(8))
    parse_filter({"and": [compare()] * 64})
    with pytest.raises(InvalidFilter, match="deep") as too_deep:
        parse_filter(nested(9))
    assert too_deep.value.pointer == "/filter" + "/not" * 8
    with pytest.raises(InvalidFilter, match="clauses") as too_many:
        parse_filter({"and": [compare()] * 65})
    assert too_many.value.pointer == "/filter/and/64"


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        ([], ""),
        ({}, "/field"),
        ({"and": []}, "/and"),
        ({"and": {}}, "/and"),
        ({"and": [compare()], "or": [compare()]}, "/or"),
        ({"not": [compare()]}, "/not"),
        ({**compare(), "extra": 1}, "/extra"),
        ({"field": "key", "op": "eq"}, "/value"),
        (compare(field="size"), "/field"),
        (compare(field="metadata"), "/field"),
        (compare(field="metadata."), "/field"),
        (compare(field="metadata.a..b"), "/field"),
        (compare(field="metadata.\0"), "/field"),
        (compare(field=["key"]), "/field"),
        (compare(op="like"), "/op"),
        (compare(op=["eq"]), "/op"),
        (compare(value={"a": 1}), "/value"),
        (compare(value=[1]), "/value"),
        (compare(value="\0"), "/value"),
        (compare(value="\ud800"), "/value"),
        (compare(value=float("nan")), "/value"),
        (compare(op="in", value=1), "/value"),
        (compare(op="nin", value=[]), "/value"),
        (compare(op="in", value=[1, [2]]), "/value/1"),
        (compare(op="exists", value="yes"), "/value"),
        (compare(op="gt", value=True), "/value"),
        (compare(op="lt", value=None), "/value"),
        (compare(op="starts_with", value=3), "/value"),
        (compare("created_at", "gt", "yesterday"), "/value"),
        (compare("created_at", "gt", "2026-05-12"), "/value"),
        (compare("created_at", "gt", "2026-05-12T10:00:00"), "/value"),
        (compare("created_at", "gt", "2026-02-30T10:00:00Z"), "/value"),
        (compare("created_at", "gt", "9999-12-31T23:00:00-05:00"), "/value"),
        (compare("created_at", "in", ["2026-05-12T10:00:00Z", 5]), "/value/1"),
        (compare("created_at", "contains", "2026-05-12T10:00:00Z"), "/value"),
    ],
)
def test_what_cannot_be_honoured_is_pointed_at(value: Any, pointer: str) -> None:
    with pytest.raises(InvalidFilter) as raised:
        parse_filter(value)
    assert raised.value.pointer == f"/filter{pointer}"


@pytest.mark.parametrize(
    "value",
    [
        "2026-05-12T10:00:00Z",
        "2026-05-12T10:00:00.123-03:00",
        "2026-05-12 10:00:00Z",
        "2026-05-12T10:00:00-20:42",
    ],
)
def test_times(value: str) -> None:
    parse_filter(compare("created_at", "gte", value))
    parse_filter(compare("created_at", "exists", value=True))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["and", "or", "not", "field", "op", "value"]) | st.text(), inner, max_size=3
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_parsed_or_refused(value: Any) -> None:
    with contextlib.suppress(InvalidFilter):
        parse_filter(value)


def test_values_are_limited_in_all() -> None:
    """Not only in each list: 64 lists of 256 values kept every other tenant waiting for 30 s."""
    parse_filter({"and": [compare(op="in", value=list(range(250)))] * 4})
    with pytest.raises(InvalidFilter, match="at most 1000 values in all") as raised:
        parse_filter({"and": [compare(op="in", value=list(range(250)))] * 4 + [compare()]})
    assert raised.value.pointer == "/filter/and/4/value"
    with pytest.raises(InvalidFilter, match="65536 characters in all"):
        parse_filter({"and": [compare(value="x" * 2_000)] * 33})
