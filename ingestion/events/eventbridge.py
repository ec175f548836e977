"""Changes of objects as EventBridge tells them, directly or in the body of an SQS message."""

from collections.abc import Mapping
from typing import Any, Literal

from ingestion.events import objects
from ingestion.events.delivery import Delivery
from ingestion.events.objects import ObjectChange
from rag.errors import InvalidEvent


class EventBridgeEvent:
    """`{"source": "aws.s3", "detail-type": "Object Created", …}`; its keys are not URL-encoded."""

    @staticmethod
    def infer(event: Mapping[str, Any]) -> bool:
        return event.get("source") == "aws.s3" and "detail-type" in event

    @staticmethod
    def delivery(event: Mapping[str, Any], *, default_tenant: str) -> Delivery:
        return objects.delivery([event], _change, default_tenant=default_tenant)


def _change(event: Any) -> ObjectChange | None:
    if event["detail-type"] not in ("Object Created", "Object Deleted"):
        return None
    match event:
        case {"detail": {"bucket": {"name": str(bucket)}, "object": {"key": str(key), **found}, **detail}}:
            return _object_change(event["detail-type"], bucket, key, found, detail)
    raise InvalidEvent("The EventBridge event names no bucket or key.")


def _object_change(
    kind: str, bucket: str, key: str, found: Mapping[object, object], detail: Mapping[object, object]
) -> ObjectChange:
    version_id = objects.text(found.get("version-id")) or None
    return ObjectChange(
        bucket=bucket,
        name=key,
        operation=_operation(kind, detail, version_id),
        sequencer=objects.text(found.get("sequencer")),
        etag=objects.text(found.get("etag")),
        version_id=version_id,
        size=objects.size(found.get("size")),
    )


def _operation(
    kind: str, detail: Mapping[object, object], version_id: str | None
) -> Literal["upsert", "delete", "observe"]:
    if kind == "Object Created":
        return "upsert"
    marked = detail.get("deletion-type") == "Delete Marker Created"
    return "delete" if marked else objects.removal(version_id)
