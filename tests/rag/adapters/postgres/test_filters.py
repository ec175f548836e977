"""A filter's SQL: as many parameters as comparisons, however many values these have."""

from typing import Any

import pytest

from rag.adapters.postgres.filters import Condition
from rag.domain.filters import And, Comparison


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("metadata.number", [*range(256)]),
        ("key", [f"{number}.txt" for number in range(256)]),
        ("created_at", ["2026-05-12T09:30:00Z"] * 256),
    ],
)
def test_a_list_is_one_parameter(field: str, values: list[Any]) -> None:
    one = Comparison(field=field, op="in", value=values)
    other = Comparison(field=field, op="nin", value=values)
    assert len(Condition(And(filters=(one, other))).values) <= 4
