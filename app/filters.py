"""The JSON filter of a request as a domain filter; what cannot be honoured is an error, never ignored."""

import math
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, cast, get_args

from app.json_values import escape_pointer, is_storable
from rag.domain.filters import (
    DOCUMENT_FIELDS,
    MAX_CLAUSES,
    MAX_DEPTH,
    METADATA_PREFIX,
    And,
    Comparison,
    Filter,
    Not,
    Operator,
    Or,
)
from rag.errors import InvalidFilter

OPERATORS: tuple[str, ...] = get_args(Operator)
TEXT_OPERATORS = frozenset({"contains", "starts_with"})
LIST_OPERATORS = frozenset({"in", "nin"})
ORDER_OPERATORS = frozenset({"gt", "gte", "lt", "lte"})
COMPARISON_KEYS = ("field", "op", "value")
MAX_LIST_VALUES = 256
MAX_FIELD_LENGTH = 256
# Of all comparisons together: each list was limited, and 64 of them took 20 s.
MAX_VALUES = 1_000
MAX_VALUE_CHARACTERS = 65_536
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def parse_filter(value: Any, *, pointer: str = "/filter") -> Filter:
    """Raises InvalidFilter with a JSON pointer to the part that is wrong."""
    return _Parser().parse(value, pointer, depth=1)


class _Parser:
    def __init__(self) -> None:
        self._clauses = self._values = self._characters = 0

    def parse(self, value: Any, pointer: str, *, depth: int) -> Filter:
        _expect(depth <= MAX_DEPTH, f"Filters nest at most {MAX_DEPTH} deep.", pointer)
        _expect(isinstance(value, Mapping), "A filter is an object.", pointer)
        if "and" in value:
            return And(filters=self._list(value, "and", pointer, depth=depth))
        if "or" in value:
            return Or(filters=self._list(value, "or", pointer, depth=depth))
        if "not" in value:
            _forbid_unknown(value, ("not",), pointer)
            return Not(filter=self.parse(value["not"], f"{pointer}/not", depth=depth + 1))
        self._clauses += 1
        _expect(self._clauses <= MAX_CLAUSES, f"A filter has at most {MAX_CLAUSES} clauses.", pointer)
        comparison = _comparison(value, pointer)
        self._count(comparison.value, f"{pointer}/value")
        return comparison

    def _count(self, value: Any, pointer: str) -> None:
        values = value if isinstance(value, list) else [value]
        self._values += len(values)
        self._characters += sum(len(each) for each in values if isinstance(each, str))
        _expect(self._values <= MAX_VALUES, f"A filter has at most {MAX_VALUES} values in all.", pointer)
        _expect(
            self._characters <= MAX_VALUE_CHARACTERS,
            f"The values of a filter have at most {MAX_VALUE_CHARACTERS} characters in all.",
            pointer,
        )

    def _list(self, value: Mapping[str, Any], name: str, pointer: str, *, depth: int) -> tuple[Filter, ...]:
        _forbid_unknown(value, (name,), pointer)
        items, inner = value[name], f"{pointer}/{name}"
        _expect(isinstance(items, list) and items, "A list of at least one filter is expected.", inner)
        return tuple(
            self.parse(item, f"{inner}/{index}", depth=depth + 1) for index, item in enumerate(items)
        )


def _comparison(value: Mapping[str, Any], pointer: str) -> Comparison:
    _forbid_unknown(value, COMPARISON_KEYS, pointer)
    for key in COMPARISON_KEYS:
        _expect(key in value, f"A comparison needs `{key}`.", f"{pointer}/{key}")
    field, op = value["field"], value["op"]
    _expect(
        isinstance(field, str) and (field in DOCUMENT_FIELDS or _is_metadata_path(field)),
        "The field must be a metadata path (`metadata.author`) or one of "
        f"{_list_of(sorted(DOCUMENT_FIELDS))}.",
        f"{pointer}/field",
    )
    _expect(op in OPERATORS, f"The operator must be one of {_list_of(OPERATORS)}.", f"{pointer}/op")
    _check_value(field, op, value["value"], f"{pointer}/value")
    return Comparison(field=field, op=cast("Operator", op), value=value["value"])


def _forbid_unknown(value: Mapping[str, Any], known: Collection[str], pointer: str) -> None:
    for key in value:
        _expect(key in known, "This key has no meaning here.", f"{pointer}/{escape_pointer(key)}")


def _is_metadata_path(field: str) -> bool:
    if not field.startswith(METADATA_PREFIX) or len(field) > MAX_FIELD_LENGTH:
        return False
    return is_storable(field) and all(field.removeprefix(METADATA_PREFIX).split("."))


def _check_value(field: str, op: str, value: Any, pointer: str) -> None:
    if op == "exists":
        _expect(isinstance(value, bool), "`exists` takes true or false.", pointer)
    elif op in LIST_OPERATORS:
        _expect(
            isinstance(value, list) and 0 < len(value) <= MAX_LIST_VALUES,
            f"`{op}` takes a list of 1 to {MAX_LIST_VALUES} values.",
            pointer,
        )
        for index, item in enumerate(value):
            _check_scalar(field, item, f"{pointer}/{index}")
    else:
        _check_scalar(field, value, pointer)
        _check_operand(field, op, value, pointer)


def _check_operand(field: str, op: str, value: Any, pointer: str) -> None:
    if op == "starts_with":
        _expect(isinstance(value, str), "`starts_with` takes a string.", pointer)
    if op in ORDER_OPERATORS:
        _expect(
            value is not None and not isinstance(value, bool), f"`{op}` takes a number or a string.", pointer
        )
    if field == "created_at":
        _expect(op not in TEXT_OPERATORS, f"A time has no `{op}`.", pointer)


def _check_scalar(field: str, value: Any, pointer: str) -> None:
    _expect(
        value is None or isinstance(value, str | int | float),
        "A string, a number, true, false or null is expected.",
        pointer,
    )
    _expect(not isinstance(value, float) or math.isfinite(value), "The number is out of range.", pointer)
    _expect(
        not isinstance(value, str) or is_storable(value), "NUL or half a surrogate pair in a string.", pointer
    )
    if field == "created_at":
        _expect(_is_time(value), "An RFC 3339 time is expected, as in 2026-05-12T09:30:00Z.", pointer)


def _is_time(value: Any) -> bool:
    if not isinstance(value, str) or RFC_3339.fullmatch(value) is None:
        return False
    try:
        # PostgreSQL knows no offset beyond 16 hours: times are given to it in UTC, where they must exist.
        datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        return False
    return True


def _list_of(names: Collection[str]) -> str:
    return ", ".join(names)


def _expect(holds: object, detail: str, pointer: str) -> None:
    if not holds:
        raise InvalidFilter(detail, pointer=pointer)
