"""The schedule on which the whole ledger is looked through for work that no event told of."""

from collections.abc import Mapping
from typing import Any

from ingestion.events.delivery import Delivery


class ScheduledEvent:
    """`{"source": "aws.events", "detail-type": "Scheduled Event", …}`, as an EventBridge rule sends it."""

    @staticmethod
    def infer(event: Mapping[str, Any]) -> bool:
        return event.get("source") == "aws.events" and event.get("detail-type") == "Scheduled Event"

    @staticmethod
    def delivery(_event: Mapping[str, Any], *, default_tenant: str) -> Delivery:  # noqa: ARG004 - as all sources
        return Delivery(every_tenant=True)
