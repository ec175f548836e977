"""S3's own notifications, as they come directly or in the body of an SQS message."""

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import unquote_plus

from ingestion.events import objects
from ingestion.events.delivery import Delivery
from ingestion.events.objects import ObjectChange
from rag.errors import InvalidEvent

_REMOVED = ("ObjectRemoved:", "LifecycleExpiration:")


class S3Notification:
    """`{"Records": [{"eventSource": "aws:s3", …}]}`."""

    @staticmethod
    def infer(event: Mapping[str, Any]) -> bool:
        match event:
            case {"Records": [{"eventSource": "aws:s3"}, *_]}:
                return True
        return False

    @staticmethod
    def delivery(event: Mapping[str, Any], *, default_tenant: str) -> Delivery:
        return objects.delivery(event["Records"], _change, default_tenant=default_tenant)


class S3TestEvent:
    """Sent once when a bucket's notifications are set up; nothing is to be done."""

    @staticmethod
    def infer(event: Mapping[str, Any]) -> bool:
        return event.get("Service") == "Amazon S3" and event.get("Event") == "s3:TestEvent"

    @staticmethod
    def delivery(_event: Mapping[str, Any], *, default_tenant: str) -> Delivery:  # noqa: ARG004 - as all sources
        return Delivery()


def _change(record: Any) -> ObjectChange | None:
    match record:
        case {
            "eventName": str(name),
            "s3": {"bucket": {"name": str(bucket)}, "object": {"key": str(key), **found}},
        }:
            return _object_change(name.removeprefix("s3:"), bucket, key, found)
    raise InvalidEvent("A record of the S3 notification names no event, bucket or key.")


def _object_change(event: str, bucket: str, key: str, found: Mapping[object, object]) -> ObjectChange | None:
    version_id = objects.text(found.get("versionId")) or None
    operation = _operation(event, version_id)
    if operation is None:
        return None
    return ObjectChange(
        bucket=bucket,
        name=_decoded(key),
        operation=operation,
        sequencer=objects.text(found.get("sequencer")),
        etag=objects.text(found.get("eTag")),
        version_id=version_id,
        size=objects.size(found.get("size")),
    )


def _operation(event: str, version_id: str | None) -> Literal["upsert", "delete", "observe"] | None:
    if event.startswith("ObjectCreated:"):
        return "upsert"
    if not event.startswith(_REMOVED):
        return None
    return "delete" if event.endswith(":DeleteMarkerCreated") else objects.removal(version_id)


def _decoded(key: str) -> str:
    try:
        return unquote_plus(key, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidEvent(f"The key {key!r} of the S3 notification is not URL-encoded UTF-8.") from error
