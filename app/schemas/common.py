"""What all requests and responses share: strictness, text that can be stored, pages, problems."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator
from typing_extensions import TypeAliasType

from app.json_values import check_object
from rag.domain.keys import COLLECTION_NAME_PATTERN
from rag.domain.pages import DEFAULT_LIMIT, MAX_LIMIT, Page, PageRequest

T = TypeVar("T")
R = TypeVar("R")

# PostgreSQL has no NUL. As a pattern it is part of the published schema, so clients can know.
NO_NUL = r"^[^\u0000]*$"

Text = Annotated[str, StringConstraints(pattern=NO_NUL)]
ShortText = Annotated[Text, StringConstraints(max_length=200)]
LongText = Annotated[Text, StringConstraints(min_length=1, max_length=8_000)]
CollectionName = Annotated[str, StringConstraints(pattern=COLLECTION_NAME_PATTERN)]
Identifier = Annotated[Text, StringConstraints(min_length=1, max_length=200)]
Language = Annotated[
    str,
    StringConstraints(pattern="^(auto|[a-z]{2})$"),
    Field(description="`auto` or an ISO 639-1 code", examples=["auto", "pt"]),
]


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


# To JSON, 5.0 is an integer. Stands after the bounds, or they would be missing in the schema.
WHOLE = BeforeValidator(_whole)
MaxTokens = Annotated[int, Field(ge=1, le=32_768), WHOLE]

# Named, so that it is published as propertyNames: patternProperties would allow all other names.
JsonName = TypeAliasType("JsonName", Text)
JsonValue = TypeAliasType(
    "JsonValue",
    "bool | int | float | Text | list[JsonValue] | dict[JsonName, JsonValue] | None",
)


def _checked(pointer: str, value: Any) -> Any:
    if isinstance(value, dict):
        check_object(value, pointer)
    return value


def _object_at(pointer: str) -> BeforeValidator:
    check: Callable[[Any], Any] = partial(_checked, pointer)
    return BeforeValidator(check, json_schema_input_type=dict[JsonName, JsonValue])


Metadata = Annotated[
    dict[str, Any],
    _object_at("/metadata"),
    Field(description="Any JSON object, at most 64 KB and 32 levels deep"),
]
JsonSchema = Annotated[dict[str, Any], _object_at("/json_schema")]


def without_default(schema: dict[str, Any]) -> None:
    """For fields that may be absent but have no value that means so."""
    schema.pop("default", None)


MAX_FIELDS = 100


class RequestModel(BaseModel):
    """Unknown fields and wrong types are errors; "5" is not a number."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _has_few_fields(cls, value: Any) -> Any:
        # Each unknown field is an error of its own: 80,000 of them took a second to be told (2026-12-01).
        if isinstance(value, dict) and len(value) > MAX_FIELDS:
            raise ValueError(f"An object of a request has at most {MAX_FIELDS} fields.")
        return value


class ResponseModel(BaseModel):
    @classmethod
    def of(cls, value: object) -> Self:
        """From the domain value whose attributes have the same names."""
        return cls.model_validate(value, from_attributes=True)


class PageQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: Annotated[
        Annotated[Text, StringConstraints(min_length=1, max_length=500)] | None,
        Field(description="`next_cursor` of the page before"),
    ] = None

    def page(self) -> PageRequest:
        return PageRequest(limit=self.limit, cursor=self.cursor)


class ListResponse(ResponseModel, Generic[R]):
    data: list[R]
    next_cursor: str | None = None

    @classmethod
    def from_page(cls, page: Page[T], convert: Callable[[T], R]) -> Self:
        return cls(data=[convert(item) for item in page.items], next_cursor=page.next_cursor)


class FieldProblem(ResponseModel):
    """`pointer` is a JSON pointer into the body, or `/name` of a query parameter or header."""

    pointer: str
    detail: str


class Problem(ResponseModel):
    """RFC 9457. `code` is stable; `detail` says what is wrong and what to do."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[FieldProblem] | None = None
