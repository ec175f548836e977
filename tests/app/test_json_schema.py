"""The structural part of JSON schemas."""

from typing import Any

import pytest

from app.json_schema import check

SCHEMA = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string"},
        "age": {"type": ["integer", "null"]},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}},
    },
}


@pytest.mark.parametrize("value", [{"name": "x"}, {"name": "x", "age": None, "tags": ["a", "b"]}])
def test_follows(value: Any) -> None:
    assert check(value, SCHEMA) is None


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ([], "/ is not of type object"),
        ({}, "/name is missing"),
        ({"name": 1}, "/name is not of type string"),
        ({"name": "x", "age": True}, "/age is not of type integer or null"),
        ({"name": "x", "tags": ["a", "c"]}, "/tags/1 is none of the enumerated values"),
        ({"name": "x", "more": 1}, "/more is not allowed"),
    ],
)
def test_the_first_problem_is_told(value: Any, problem: str) -> None:
    assert check(value, SCHEMA) == problem
