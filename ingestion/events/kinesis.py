"""Batches of Kinesis records, each one document's change by the producer contract (docs/kinesis.md)."""

import base64
import re
from collections.abc import Mapping
from typing import Any

from ingestion.events.delivery import Delivery
from rag.domain.documents import SourceEvent, SourceKind
from rag.domain.records import RecordPlace, partition_key, place_of
from rag.errors import InvalidEvent, InvalidRecord

_SEQUENCE_NUMBER = re.compile(r"[0-9]{1,129}")
# The greatest sequence number has 129 digits: zeros before it make text compare as integers do.
_DIGITS = 129


class KinesisBatch:
    """`{"Records": [{"eventSource": "aws:kinesis", "kinesis": {"data": <base64>, …}}]}`."""

    @staticmethod
    def infer(event: Mapping[str, Any]) -> bool:
        match event:
            case {"Records": [{"eventSource": "aws:kinesis"}, *_]}:
                return True
        return False

    @staticmethod
    def deliveries(event: Mapping[str, Any], *, default_tenant: str) -> list[Delivery]:
        return [_delivery(record, default_tenant) for record in event["Records"]]


def _delivery(record: Any, default_tenant: str) -> Delivery:
    match record:
        case {"eventID": str(identifier), "kinesis": {"sequenceNumber": str(number), **found}} if (
            _SEQUENCE_NUMBER.fullmatch(number)
        ):
            shard = identifier.partition(":")[0]
        case _:
            raise InvalidEvent("A record of the Kinesis batch has no eventID or sequenceNumber.")
    try:
        event = _event(found, shard, number, default_tenant)
    except InvalidRecord as error:
        return Delivery(id=number, problem=error.detail)
    return Delivery(id=number, events=(event,))


def _event(found: Mapping[object, object], shard: str, number: str, default_tenant: str) -> SourceEvent:
    raw = _data(found.get("data"))
    place = place_of(raw, default_tenant=default_tenant)
    _check_partition(place, found.get("partitionKey"), default_tenant)
    return SourceEvent(
        tenant=place.tenant,
        collection=place.collection,
        key=place.key,
        operation=place.operation,
        kind=SourceKind.KINESIS,
        uri=f"kinesis:{shard}/{number}",
        order=number.zfill(_DIGITS),
        etag=number,
        size=len(raw),
        record=raw,
    )


def _data(encoded: Any) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (TypeError, ValueError) as error:
        raise InvalidRecord("The record's data is not base64.") from error


def _check_partition(place: RecordPlace, given: Any, default_tenant: str) -> None:
    expected = partition_key(place.place, default_tenant=default_tenant)
    if given != expected:
        raise InvalidRecord(
            f"The record's partition key is {given!r} and must be {expected!r}:"
            " with another one this document's records could be read out of order."
        )
