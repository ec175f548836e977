"""Which clauses of a filter keep a document out, in words."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rag.domain.documents import Document
from rag.domain.filters import METADATA_PREFIX, And, Comparison, Filter, Not, Or
from rag.ports import SearchIndex

ORDERED = frozenset({"gt", "gte", "lt", "lte"})


def failing_clauses(index: SearchIndex, document: Document, condition: Filter) -> Iterator[str]:
    """The smallest clauses that the index itself does not match; `condition` is one that fails."""
    if isinstance(condition, And):
        for part in condition.filters:
            if not index.matches(document.id, part):
                yield from failing_clauses(index, document, part)
    elif isinstance(condition, Comparison):
        yield f"{describe(condition)}: {_value_detail(document, condition)}"
    else:
        yield describe(condition)


def describe(condition: Filter) -> str:
    if isinstance(condition, Comparison):
        return f"{condition.field} {condition.op} {_json(condition.value)}"
    if isinstance(condition, Not):
        return f"not ({describe(condition.filter)})"
    word = " or " if isinstance(condition, Or) else " and "
    return word.join(f"({describe(part)})" for part in condition.filters)


def _value_detail(document: Document, comparison: Comparison) -> str:
    value = _value(document, comparison.field)
    if value is None:
        return "the document has no value there"
    detail = f"the document has {_json(value)}"
    if comparison.op in ORDERED | {"eq"} and _kind(value) != _kind(comparison.value):
        detail += f", a {_kind(value)}, which never compares with a {_kind(comparison.value)}"
    return detail


def _value(document: Document, field: str) -> Any:
    if not field.startswith(METADATA_PREFIX):
        return getattr(document, field, None)
    value: Any = document.metadata
    for name in field.removeprefix(METADATA_PREFIX).split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _kind(value: Any) -> str:
    """The type as JSON names it."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, Mapping):
        return "object"
    return "array" if isinstance(value, list | tuple) else "string"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
