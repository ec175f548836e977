"""From what AWS sends to envelopes; pure: nothing is fetched here."""

from collections.abc import Mapping
from typing import Any

from ingestion.events.delivery import Delivery, Rejection
from ingestion.events.eventbridge import EventBridgeEvent
from ingestion.events.kinesis import KinesisBatch
from ingestion.events.s3 import S3Notification, S3TestEvent
from ingestion.events.schedule import ScheduledEvent
from ingestion.events.sqs import SqsBatch
from rag.errors import InvalidEvent

__all__ = ["Delivery", "Rejection", "deliveries"]

_BATCHES = (SqsBatch, KinesisBatch)
_DIRECT = (S3Notification, EventBridgeEvent, S3TestEvent, ScheduledEvent)


def deliveries(event: Mapping[str, Any], *, default_tenant: str) -> list[Delivery]:
    """One for each message, in their order. Raises InvalidEvent where the event is of no known source."""
    for batch in _BATCHES:
        if batch.infer(event):
            return batch.deliveries(event, default_tenant=default_tenant)
    for direct in _DIRECT:
        if direct.infer(event):
            return [direct.delivery(event, default_tenant=default_tenant)]
    raise InvalidEvent("This is no event of SQS, Kinesis, S3 or EventBridge.")
