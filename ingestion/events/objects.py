"""From a change of an object in a bucket to the envelope."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from ingestion.events.delivery import Delivery, Rejection
from rag.domain.buckets import WORK_PREFIX, object_state, object_uri, place_of, requested_tenant
from rag.domain.documents import Place, SourceEvent, SourceKind
from rag.domain.keys import SIDECAR_SUFFIX, validate_collection_name, validate_key
from rag.errors import InvalidEvent, InvalidRequest

_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]+")


@dataclass(frozen=True, kw_only=True)
class ObjectChange:
    """`observe`: one version was removed for ever, and whether the key lives on is not known."""

    bucket: str
    name: str
    operation: Literal["upsert", "delete", "observe"]
    sequencer: str
    etag: str
    version_id: str | None
    size: int


@dataclass(frozen=True, kw_only=True)
class _WorkRequest:
    tenant: str


def order_of(sequencer: str) -> str:
    """Compares as text as S3 asks for: the shorter right-padded with zeros. Empty: there is none."""
    return sequencer.upper().rstrip("0") if _HEXADECIMAL.fullmatch(sequencer) else ""


def removal(version_id: str | None) -> Literal["delete", "observe"]:
    """What a permanent removal means: that of one version may leave others, or bring one back."""
    return "observe" if version_id else "delete"


def text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def size(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def delivery(
    records: Iterable[Any], change: Callable[[Any], ObjectChange | None], *, default_tenant: str
) -> Delivery:
    """What some records say; one that cannot be read does not hold up the others."""
    events, rejections, problems = [], [], []
    tenants: dict[str, None] = {}
    for record in records:
        try:
            found = change(record)
        except InvalidEvent as error:
            problems.append(error.detail)
            continue
        outcome = _outcome(found, default_tenant) if found else None
        if isinstance(outcome, Rejection):
            rejections.append(outcome)
        elif isinstance(outcome, SourceEvent):
            events.append(outcome)
        elif outcome:
            tenants[outcome.tenant] = None
    problem = " ".join(problems) or None
    return Delivery(
        events=tuple(events), rejections=tuple(rejections), tenants=tuple(tenants), problem=problem
    )


def _outcome(change: ObjectChange, default_tenant: str) -> SourceEvent | Rejection | _WorkRequest | None:
    if change.name.startswith(WORK_PREFIX):
        return _work_request(change)
    if change.name.endswith("/") and change.size == 0:  # a console's "folder"
        return None
    described = change.name.removesuffix(SIDECAR_SUFFIX)
    uri = object_uri(change.bucket, described)
    try:
        place = _storable(place_of(described, default_tenant=default_tenant))
    except InvalidRequest as error:
        return Rejection(uri=object_uri(change.bucket, change.name), code=error.code, detail=error.detail)
    return _description(place, uri) if described != change.name else _event(change, place, uri)


def _work_request(change: ObjectChange) -> _WorkRequest | Rejection | None:
    if change.operation != "upsert":
        return None
    try:
        return _WorkRequest(tenant=requested_tenant(change.name))
    except InvalidRequest as error:
        return Rejection(uri=object_uri(change.bucket, change.name), code=error.code, detail=error.detail)


def _storable(place: Place) -> Place:
    validate_collection_name(place[1])
    validate_key(place[2])
    return place


def _description(place: Place, uri: str) -> SourceEvent:
    # A side-car's sequencer compares with none of its document's.
    tenant, collection, key = place
    return SourceEvent(
        tenant=tenant, collection=collection, key=key, operation="describe", kind=SourceKind.S3, uri=uri
    )


def _event(change: ObjectChange, place: Place, uri: str) -> SourceEvent:
    tenant, collection, key = place
    order = order_of(change.sequencer)
    operation = change.operation if order else "observe"
    created = operation == "upsert"
    return SourceEvent(
        tenant=tenant,
        collection=collection,
        key=key,
        operation=operation,
        kind=SourceKind.S3,
        uri=uri,
        order=order,
        etag=object_state(change.etag, change.version_id) if created else "",
        size=change.size if created else 0,
    )
