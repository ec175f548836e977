"""The filter of a search request: comparisons combined by and, or, not."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Operator = Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "exists", "contains", "starts_with"]

DOCUMENT_FIELDS = frozenset({"key", "title", "media_type", "language", "created_at"})
METADATA_PREFIX = "metadata."
MAX_DEPTH = 8
MAX_CLAUSES = 64


@dataclass(frozen=True, kw_only=True)
class Comparison:
    field: str
    op: Operator
    value: Any


@dataclass(frozen=True, kw_only=True)
class And:
    filters: tuple["Filter", ...]


@dataclass(frozen=True, kw_only=True)
class Or:
    filters: tuple["Filter", ...]


@dataclass(frozen=True, kw_only=True)
class Not:
    filter: "Filter"


Filter: TypeAlias = Comparison | And | Or | Not
