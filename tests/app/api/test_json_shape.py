"""JSON of very many values is refused before it is read; texts of any size and metadata are not."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.json_shape import MAX_BYTES_OUTSIDE, MAX_STRINGS, check_shape
from app.api.routes import parse_json
from rag.errors import InvalidRequest
from tests.app.api.serving import Api

# Generous for a busy machine; without the check each takes many times as long.
LONGEST = 4.0


@pytest.mark.parametrize(
    "value",
    [
        {"metadata": {str(number): [1, {}] for number in range(1_500_000)}},
        {"filter": [[]] * 5_000_000},
        {f"k{number}": 1 for number in range(1_000_000)},
        {"collections": [""] * (MAX_STRINGS + 1)},
    ],
)
def test_many_values_are_refused_at_once(value: Any) -> None:
    body = json.dumps(value).encode()
    del value
    started = time.monotonic()
    with pytest.raises(InvalidRequest, match="more than"):
        parse_json(body)
    assert time.monotonic() - started < LONGEST


@pytest.mark.parametrize(
    "value",
    [
        {"text": '"a", [b], {c}: \\ \\" \n' * 100_000},
        {"metadata": {str(number): number for number in range(5_000)}},
        {"metadata": {"list": [0] * 21_000}},
        {"text": "\\" * 200_001},
    ],
)
def test_texts_and_metadata_are_read(value: Any) -> None:
    assert parse_json(json.dumps(value).encode()) == value


@given(st.lists(st.text(alphabet='\\"a,[', max_size=8), max_size=8))
def test_what_stands_in_strings_does_not_count(texts: list[str]) -> None:
    body = json.dumps([*texts, '\\"[,' * MAX_BYTES_OUTSIDE]).encode()
    check_shape(body)


def test_unknown_fields_beyond_a_hundred_are_told_as_one(api: Api) -> None:
    body = {"query": "x", **{f"field{number}": 1 for number in range(3_000)}}
    problem = api.client.post("/v1/search", json=body)
    assert problem.status_code == 422
    assert len(problem.json()["errors"]) == 1
