"""The filter of a search as a SQL condition on documents d, with bound parameters only."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from psycopg.sql import SQL, Composable, Placeholder
from psycopg.types.json import Jsonb

from rag.domain.filters import METADATA_PREFIX, And, Comparison, Filter, Not, Or

_COLUMNS: dict[str, SQL] = {
    "key": SQL("d.key"),
    "title": SQL("d.title"),
    "media_type": SQL("d.media_type"),
    "language": SQL("d.language"),
    "created_at": SQL("d.created_at"),
}
_ORDERING: dict[str, SQL] = {"gt": SQL(">"), "gte": SQL(">="), "lt": SQL("<"), "lte": SQL("<=")}


class Condition:
    """A filter compiled: `sql` is a boolean that is never NULL, `values` are its parameters."""

    def __init__(self, wanted: Filter | None) -> None:
        self.values: dict[str, Any] = {}
        self.sql = SQL("true") if wanted is None else self._compile(wanted)

    def _bind(self, value: Any) -> Placeholder:
        name = f"filter_{len(self.values)}"
        self.values[name] = value
        return Placeholder(name)

    def _compile(self, wanted: Filter) -> Composable:
        match wanted:
            case And(filters=parts):
                return self._joined(SQL(" AND "), parts)
            case Or(filters=parts):
                return self._joined(SQL(" OR "), parts)
            case Not(filter=part):
                return SQL("NOT {}").format(self._compile(part))
            case Comparison():
                return self._comparison(wanted)

    def _joined(self, operator: SQL, parts: tuple[Filter, ...]) -> Composable:
        return SQL("({})").format(operator.join(map(self._compile, parts)))

    def _comparison(self, wanted: Comparison) -> Composable:
        """`ne` and `nin` are the negations of `eq` and `in`: they let through what lacks the field."""
        match wanted.op:
            case "ne" | "nin":
                positive = replace(wanted, op="eq" if wanted.op == "ne" else "in")
                return SQL("NOT {}").format(self._comparison(positive))
        on_metadata = wanted.field.startswith(METADATA_PREFIX)
        compared = self._on_metadata(wanted) if on_metadata else self._on_column(wanted)
        return SQL("coalesce({}, false)").format(compared)

    def _on_metadata(self, wanted: Comparison) -> Composable:
        path = self._bind(wanted.field.removeprefix(METADATA_PREFIX).split("."))
        field = SQL("(d.metadata #> {}::text[])").format(path)
        text = SQL("(d.metadata #>> {}::text[])").format(path)
        match wanted.op:
            case "eq":
                return SQL("{} = {}").format(field, self._bind(Jsonb(wanted.value)))
            case "in":
                return SQL("{} = ANY({}::jsonb[])").format(field, self._bind(list(map(Jsonb, wanted.value))))
            case "exists":
                return SQL("({} IS NOT NULL) = {}").format(field, self._bind(wanted.value))
            case "contains":
                return self._metadata_contains(field, text, wanted.value)
            case "starts_with":
                return SQL("jsonb_typeof({}) = 'string' AND starts_with({}, {})").format(
                    field, text, self._bind(wanted.value)
                )
            case _:
                return self._metadata_ordering(field, text, wanted)

    def _metadata_contains(self, field: Composable, text: Composable, value: Any) -> Composable:
        """An array holds the element, or a string the substring."""
        element = SQL("(jsonb_typeof({}) = 'array' AND {} @> {})").format(
            field, field, self._bind(Jsonb([value]))
        )
        if not isinstance(value, str):
            return element
        substring = SQL("(jsonb_typeof({}) = 'string' AND position({} IN {}) > 0)").format(
            field, self._bind(value), text
        )
        return SQL("({} OR {})").format(element, substring)

    def _metadata_ordering(self, field: Composable, text: Composable, wanted: Comparison) -> Composable:
        """Numbers compare with numbers, strings with strings; all else matches nothing."""
        operator = _ORDERING[wanted.op]
        if isinstance(wanted.value, str):
            return SQL("jsonb_typeof({}) = 'string' AND {} COLLATE \"C\" {} {}").format(
                field, text, operator, self._bind(wanted.value)
            )
        if isinstance(wanted.value, bool) or not isinstance(wanted.value, int | float):
            return SQL("false")
        # CASE: PostgreSQL promises no order of evaluation within AND, and the cast must not fail.
        return SQL("CASE jsonb_typeof({}) WHEN 'number' THEN {}::numeric {} {}::numeric END").format(
            field, text, operator, self._bind(str(wanted.value))
        )

    def _on_column(self, wanted: Comparison) -> Composable:
        column = _COLUMNS[wanted.field]
        if wanted.op == "exists":
            return SQL("({} IS NOT NULL) = {}").format(column, self._bind(wanted.value))
        if wanted.op == "in":
            return self._in_column(column, wanted)
        if not isinstance(wanted.value, str):
            return SQL("false")
        if wanted.field == "created_at":
            return self._on_time(column, wanted)
        return self._on_text(column, wanted)

    def _in_column(self, column: Composable, wanted: Comparison) -> Composable:
        """One parameter however many values there are; what is no text matches nothing."""
        texts = [value for value in wanted.value if isinstance(value, str)]
        if wanted.field == "created_at":
            times = list(map(_utc, texts))
            return SQL("{} = ANY({}::timestamptz[])").format(column, self._bind(times))
        return SQL("{} = ANY({}::text[])").format(column, self._bind(texts))

    def _on_text(self, column: Composable, wanted: Comparison) -> Composable:
        value = self._bind(wanted.value)
        match wanted.op:
            case "eq":
                return SQL("{} = {}").format(column, value)
            case "contains":
                return SQL("position({} IN {}) > 0").format(value, column)
            case "starts_with":
                return SQL("starts_with({}, {})").format(column, value)
            case _:
                return SQL('{} COLLATE "C" {} {}').format(column, _ORDERING[wanted.op], value)

    def _on_time(self, column: Composable, wanted: Comparison) -> Composable:
        if wanted.op not in {*_ORDERING, "eq"}:
            return SQL("false")
        operator = _ORDERING.get(wanted.op, SQL("="))
        return SQL("{} {} {}").format(column, operator, self._bind(_utc(wanted.value)))


def _utc(text: str) -> datetime:
    """PostgreSQL refuses offsets of 16 hours and more."""
    return datetime.fromisoformat(text).astimezone(UTC)
