"""The producer contract: what a Kinesis record says of one document (docs/kinesis.md)."""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from rag.domain.attributes import storable_metadata, storable_text
from rag.domain.buckets import object_key, split_uri, validate_tenant
from rag.domain.documents import Attributes, Metadata, Place
from rag.domain.keys import validate_collection_name, validate_key
from rag.errors import InvalidKey, InvalidRecord, InvalidRequest

# Kinesis takes 256 characters. Bytes are counted, since languages disagree about characters.
MAX_PARTITION_KEY_BYTES = 256
_CONTENTS = ("text", "content_base64", "s3_uri")
_FIELDS = frozenset({"op", "collection", "key", "tenant", "title", "media_type", "metadata", *_CONTENTS})


@dataclass(frozen=True, kw_only=True)
class RecordPlace:
    """Which document a record is about, and what happened to it."""

    tenant: str
    collection: str
    key: str
    operation: Literal["upsert", "delete"]

    @property
    def place(self) -> Place:
        return (self.tenant, self.collection, self.key)


@dataclass(frozen=True, kw_only=True)
class Record:
    """Either the bytes or the object that holds them; neither in a deletion."""

    body: bytes | None
    s3_uri: str | None
    attributes: Attributes


def partition_key(place: Place, *, default_tenant: str) -> str:
    """One document's records must share a shard, since order exists only within one.

    `<collection>/<key>`, for other tenants `@<tenant>/<collection>/<key>`; beyond 256 bytes of UTF-8 the
    hexadecimal SHA-256 of it.
    """
    name = object_key(place, default_tenant=default_tenant).encode()
    return name.decode() if len(name) <= MAX_PARTITION_KEY_BYTES else hashlib.sha256(name).hexdigest()


def place_of(raw: bytes, *, default_tenant: str) -> RecordPlace:
    """Looks at op, collection, key and tenant only. Raises InvalidRecord."""
    content = _parse(raw)
    operation = content.get("op")
    if operation not in ("upsert", "delete"):
        raise InvalidRecord('op in the record must be "upsert" or "delete".')
    try:
        return RecordPlace(
            tenant=validate_tenant(_optional_text(content, "tenant") or default_tenant),
            collection=validate_collection_name(_text(content, "collection")),
            key=validate_key(_text(content, "key")),
            operation=operation,
        )
    except InvalidRequest as error:
        raise InvalidRecord(f"The record's document cannot be stored. {error.detail}") from error


def read_record(raw: bytes) -> Record:
    """Raises InvalidRecord."""
    content = _parse(raw)
    if unknown := content.keys() - _FIELDS:
        raise InvalidRecord(f"The record has unknown fields: {', '.join(sorted(map(repr, unknown)))}.")
    _check_contents(content)
    return Record(
        body=_body(content),
        s3_uri=_s3_uri(content),
        attributes=Attributes(
            title=_optional_text(content, "title"),
            media_type=_media_type(content),
            metadata=_metadata(content.get("metadata")),
        ),
    )


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        content = json.loads(raw.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidRecord(
            "The record is not JSON in UTF-8. Records that a producer library aggregated cannot be read:"
            " switch aggregation off."
        ) from error
    if not isinstance(content, dict):
        raise InvalidRecord("The record must be a JSON object.")
    return content


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _check_contents(content: dict[str, Any]) -> None:
    given = [name for name in _CONTENTS if content.get(name) is not None]
    if content.get("op") == "delete" and given:
        raise InvalidRecord(f"A deletion has no content, and this record has {' and '.join(given)}.")
    if content.get("op") != "delete" and len(given) != 1:
        raise InvalidRecord(
            f"An upsert has exactly one of text, content_base64 and s3_uri; this record has {len(given)}."
        )


def _body(content: dict[str, Any]) -> bytes | None:
    text = _optional_text(content, "text")
    if text is not None:
        return text.encode()
    encoded = _optional_text(content, "content_base64")
    if encoded is None:
        return None
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise InvalidRecord("content_base64 in the record is not standard base64 with padding.") from error


def _s3_uri(content: dict[str, Any]) -> str | None:
    uri = _optional_text(content, "s3_uri")
    if uri is not None:
        try:
            split_uri(uri)
        except InvalidKey as error:
            raise InvalidRecord(f"s3_uri in the record: {error.detail}") from error
    return uri


def _media_type(content: dict[str, Any]) -> str | None:
    said = _optional_text(content, "media_type")
    return "text/plain; charset=utf-8" if said is None and content.get("text") is not None else said


def _metadata(value: Any) -> Metadata:
    try:
        return storable_metadata(value)
    except ValueError as error:
        raise InvalidRecord(f"metadata in the record {error}.") from error


def _text(content: dict[str, Any], name: str) -> str:
    value = _optional_text(content, name)
    if value is None:
        raise InvalidRecord(f"{name} is missing in the record.")
    return value


def _optional_text(content: dict[str, Any], name: str) -> str | None:
    value = content.get(name)
    if value is None:
        return None
    try:
        # The content itself is parsed, not stored as it is.
        storable_text(value.replace("\0", "") if name == "text" and isinstance(value, str) else value)
    except ValueError as error:
        raise InvalidRecord(f"{name} in the record {error}.") from error
    return str(value)
