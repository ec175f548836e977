"""The filter of a request: its published schema, and its conversion by app/filters.py."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, StringConstraints
from typing_extensions import TypeAliasType

from app.filters import MAX_FIELD_LENGTH, MAX_LIST_VALUES, parse_filter
from app.schemas.common import Text
from rag.domain.filters import MAX_CLAUSES, Filter

_PATHS = r"key|title|media_type|language|metadata(\.[^.\u0000]+)+"
Field_ = Annotated[str, StringConstraints(pattern=f"^({_PATHS})$", max_length=MAX_FIELD_LENGTH)]
AnyField = Annotated[str, StringConstraints(pattern=f"^(created_at|{_PATHS})$", max_length=MAX_FIELD_LENGTH)]
Scalar = Text | int | float | bool | None


class _Part(BaseModel):
    """These models only describe; `parse_filter` decides."""

    model_config = ConfigDict(extra="forbid")


class Equality(_Part):
    """`contains`: a substring, or an element of an array."""

    field: Field_
    op: Literal["eq", "ne", "contains"]
    value: Scalar


class Ordering(_Part):
    """Numbers compare with numbers, strings with strings; all else matches nothing."""

    field: Field_
    op: Literal["gt", "gte", "lt", "lte"]
    value: Text | float


class Prefix(_Part):
    field: Field_
    op: Literal["starts_with"]
    value: Text


class Membership(_Part):
    field: Field_
    op: Literal["in", "nin"]
    value: Annotated[list[Scalar], Field(min_length=1, max_length=MAX_LIST_VALUES)]


class Existence(_Part):
    field: AnyField
    op: Literal["exists"]
    value: bool


class Time(_Part):
    field: Literal["created_at"]
    op: Literal["eq", "ne", "gt", "gte", "lt", "lte"]
    value: datetime


class TimeMembership(_Part):
    field: Literal["created_at"]
    op: Literal["in", "nin"]
    value: Annotated[list[datetime], Field(min_length=1, max_length=MAX_LIST_VALUES)]


class AllOf(_Part):
    and_: Annotated["list[FilterTree]", Field(alias="and", min_length=1, max_length=MAX_CLAUSES)]


class AnyOf(_Part):
    or_: Annotated["list[FilterTree]", Field(alias="or", min_length=1, max_length=MAX_CLAUSES)]


class Negation(_Part):
    not_: Annotated["FilterTree", Field(alias="not")]


FilterTree = TypeAliasType(
    "FilterTree",
    "Equality | Ordering | Prefix | Membership | Existence | Time | TimeMembership"
    " | AllOf | AnyOf | Negation",
)


def _parse(value: Any) -> Filter | None:
    return None if value is None else parse_filter(value)


FilterField = Annotated[
    Filter | None,
    PlainValidator(_parse, json_schema_input_type=FilterTree | None),
    Field(
        description="At most 8 levels and 64 clauses",
        examples=[{"field": "metadata.year", "op": "gte", "value": 2024}],
    ),
]
