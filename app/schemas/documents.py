"""Documents over HTTP."""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.schemas.common import Metadata, PageQuery, RequestModel, ResponseModel, Text, without_default
from app.schemas.search import Locator
from rag.domain import documents as domain
from rag.domain.keys import MAX_KEY_BYTES, MAX_SEGMENT_BYTES
from rag.errors import InvalidRequest

# Segments between "/" that neither are empty nor begin with "."; no control characters.
_CONTROLS = r"\u0000-\u001f\u007f-\u009f"
_SEGMENT = rf"[^./{_CONTROLS}][^/{_CONTROLS}]{{0,{MAX_SEGMENT_BYTES - 1}}}"
KEY_SCHEMA = {"pattern": f"^{_SEGMENT}(/{_SEGMENT})*$", "minLength": 1, "maxLength": MAX_KEY_BYTES}
BASE64 = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)$"


def _base64_schema(schema: dict[str, Any]) -> None:
    without_default(schema)
    schema.update(pattern=BASE64, contentEncoding="base64")


def _key_schema(schema: dict[str, Any]) -> None:
    without_default(schema)
    schema.update(KEY_SCHEMA)


Title = Annotated[Text, StringConstraints(max_length=1_000)]
MediaType = Annotated[
    str,
    StringConstraints(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$"
    ),
]


class DocumentAttributes(RequestModel):
    """What may be said of a document beside its content."""

    key: Annotated[
        str | None,
        Field(
            description="Unique in the collection; writing it again makes a new version",
            json_schema_extra={"anyOf": [{"type": "string", **KEY_SCHEMA}, {"type": "null"}]},
        ),
    ] = None
    title: Title | None = None
    metadata: Metadata | None = None


class DocumentUpload(DocumentAttributes):
    """The attributes of a multipart upload; the file part says its media type."""

    media_type: Annotated[MediaType | None, Field(description="Recognised from the content where absent")] = (
        None
    )


class DocumentCreate(DocumentUpload):
    """Exactly one of `text` and `content_base64`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"key": "policies/refunds.md", "text": "# Refunds\n\nWithin 30 days of purchase."}],
            "oneOf": [{"required": ["text"]}, {"required": ["content_base64"]}],
        }
    )

    text: Annotated[Text, StringConstraints(min_length=1), Field(json_schema_extra=without_default)] = ""
    content_base64: Annotated[
        str, StringConstraints(min_length=1), Field(json_schema_extra=_base64_schema)
    ] = ""

    @model_validator(mode="after")
    def _one_content(self) -> Self:
        if len(self.model_fields_set & {"text", "content_base64"}) != 1:
            raise ValueError("give exactly one of text and content_base64")
        return self

    def content(self) -> bytes:
        """Raises InvalidRequest."""
        if self.text:
            return self.text.encode()
        try:
            return base64.b64decode(self.content_base64, validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidRequest("This is not base64.", pointer="/content_base64") from error


class DocumentForm(BaseModel):
    """Describes a multipart upload; app/api/new_document.py reads it."""

    model_config = ConfigDict(extra="forbid")

    file: Annotated[str, Field(json_schema_extra={"format": "binary", "contentMediaType": "*/*"})]
    key: Annotated[str, Field(json_schema_extra=_key_schema)] = ""
    title: Title = ""
    metadata: Metadata = Field(default_factory=dict)


class DocumentUpdate(RequestModel):
    """Replaces the metadata as a whole."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"metadata": {"department": "finance"}}]})

    metadata: Metadata


class DocumentQuery(PageQuery):
    status: Literal["pending", "processing", "ready", "failed", "deleting"] | None = None
    key_prefix: Annotated[Text, StringConstraints(max_length=1024)] | None = None

    def wanted_status(self) -> domain.DocumentStatus | None:
        return None if self.status is None else domain.DocumentStatus(self.status)


class Failure(ResponseModel):
    code: str
    detail: str
    attempts: int
    retryable: bool
    at: datetime


class DocumentSource(ResponseModel):
    kind: Literal["s3", "kinesis", "api", "folder"]
    uri: str


class Document(ResponseModel):
    """`version` is the searchable one, 0 before the first is ready."""

    id: str
    collection: str
    key: str
    title: str | None
    media_type: str | None
    size: int
    content_sha256: str | None
    version: int
    status: Literal["pending", "processing", "ready", "failed", "deleting"]
    failure: Failure | None
    metadata: Mapping[str, Any]
    language: str | None
    chunk_count: int
    page_count: int | None
    source: DocumentSource
    parent_id: Annotated[str | None, Field(description="The mail or the file of JSON lines that it came in")]
    created_at: datetime
    updated_at: datetime
    ready_at: datetime | None

    @classmethod
    def from_domain(cls, document: domain.Document) -> Self:
        source = DocumentSource(kind=document.source_kind.value, uri=document.source_uri)
        return cls.model_validate({**vars(document), "source": source}, from_attributes=True)


class Chunk(ResponseModel):
    """`text` is the document's text from `locator.start` to `locator.end`."""

    chunk_id: str
    ordinal: int
    text: str
    language: str
    locator: Locator


class HistoryEntry(ResponseModel):
    at: datetime
    version: int
    event: str
    detail: str
