"""Batches of SQS messages, each with one event of S3 or EventBridge as its body, or in SNS's envelope."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ingestion.events.delivery import Delivery
from ingestion.events.eventbridge import EventBridgeEvent
from ingestion.events.s3 import S3Notification, S3TestEvent
from rag.errors import InvalidEvent

_BODIES = (S3Notification, EventBridgeEvent, S3TestEvent)


class SqsBatch:
    """`{"Records": [{"eventSource": "aws:sqs", "messageId": …, "body": …}]}`."""

    @staticmethod
    def infer(event: Mapping[str, Any]) -> bool:
        match event:
            case {"Records": [{"eventSource": "aws:sqs"}, *_]}:
                return True
        return False

    @staticmethod
    def deliveries(event: Mapping[str, Any], *, default_tenant: str) -> list[Delivery]:
        return [_delivery(message, default_tenant) for message in event["Records"]]


def _delivery(message: Any, default_tenant: str) -> Delivery:
    match message:
        case {"messageId": str(identifier), "body": str(body)}:
            return replace(_read(body, default_tenant), id=identifier)
    raise InvalidEvent("A message of the SQS batch has no messageId or no body.")


def _read(body: str, default_tenant: str) -> Delivery:
    try:
        event = _unwrapped(json.loads(body))
    except (ValueError, RecursionError):
        return Delivery(problem="The body of the message is not JSON.")
    for source in _BODIES:
        if isinstance(event, dict) and source.infer(event):
            return source.delivery(event, default_tenant=default_tenant)
    return Delivery(problem="The body of the message is not an event of S3, nor one of EventBridge about S3.")


def _unwrapped(event: Any) -> Any:
    """What a topic of SNS between bucket and queue passed on, unless it passes messages on as they are."""
    match event:
        case {"Type": "Notification", "TopicArn": str(), "Message": str(message)}:
            return json.loads(message)
    return event
