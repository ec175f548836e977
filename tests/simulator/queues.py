"""An SQS queue and a Kinesis shard as Lambda's event source mappings read them."""

import base64
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

VISIBILITY = 180.0
# Receives after which SQS moves a message to the dead-letter queue, and attempts at a Kinesis batch.
MAX_RECEIVES = 6
MAX_ATTEMPTS = 6
BATCH = 10


@dataclass(kw_only=True, eq=False)
class Message:
    """`about`: the object's name, empty where there is none."""

    id: str
    body: str
    about: str = ""
    poison: bool = False
    visible_at: float = 0.0
    receives: int = 0

    def record(self) -> dict[str, Any]:
        return {
            "messageId": self.id,
            "receiptHandle": f"{self.id}#{self.receives}",
            "body": self.body,
            "attributes": {"ApproximateReceiveCount": str(self.receives)},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:documents",
            "awsRegion": "us-east-1",
        }


@dataclass(kw_only=True)
class Queue:
    """At least once, in no order, with a visibility time-out and a dead-letter queue."""

    messages: list[Message] = field(default_factory=list)
    dead: list[Message] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)

    def send(self, body: str, *, visible_at: float, about: str = "", poison: bool = False) -> None:
        message = Message(
            id=f"m{len(self.sent):04}", body=body, visible_at=visible_at, about=about, poison=poison
        )
        self.sent.append(message)
        self.messages.append(message)

    def receive(self, now: float, random: Random, about: str | None = None) -> list[Message]:
        """With `about` only messages about this object."""
        self._bury(now)
        visible = [
            message
            for message in self.messages
            if message.visible_at <= now and about in (None, message.about)
        ]
        batch = random.sample(visible, min(len(visible), random.randint(1, BATCH)))
        for message in batch:
            message.receives += 1
            # Now and then SQS hands a message out twice.
            message.visible_at = now if random.random() < 0.04 else now + VISIBILITY
        return batch

    def settle(
        self, batch: Sequence[Message], failed: Collection[str], *, now: float, random: Random
    ) -> None:
        """What Lambda does with a partial batch response."""
        for message in batch:
            if message.id in failed:
                message.visible_at = now + random.uniform(0, VISIBILITY)
            elif message in self.messages and random.random() >= 0.03:  # the rest is deleted in vain
                self.messages.remove(message)

    def next_visible(self) -> float | None:
        return min((message.visible_at for message in self.messages), default=None)

    def redrive(self, now: float) -> None:
        for message in self.dead:
            message.receives, message.visible_at = 0, now
        self.messages += self.dead
        self.dead = []

    def _bury(self, now: float) -> None:
        exhausted = [m for m in self.messages if m.visible_at <= now and m.receives >= MAX_RECEIVES]
        self.messages = [message for message in self.messages if message not in exhausted]
        self.dead += exhausted


@dataclass(frozen=True, kw_only=True)
class Record:
    number: int
    partition_key: str
    data: bytes
    shard: str
    poison: bool = False

    @property
    def about(self) -> str:
        return self.partition_key

    @property
    def sequence(self) -> str:
        return str(self.number)

    def record(self) -> dict[str, Any]:
        return {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": self.partition_key,
                "sequenceNumber": self.sequence,
                "data": base64.b64encode(self.data).decode(),
                "approximateArrivalTimestamp": 1_790_000_000.5,
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{self.shard}:{self.sequence}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": "arn:aws:iam::123456789012:role/ingestion",
            "awsRegion": "us-east-1",
            "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/documents",
        }


@dataclass(kw_only=True)
class Window:
    """Records that are delivered together, and how often they were."""

    records: list[Record]
    attempts: int = 0


@dataclass(kw_only=True)
class Shard:
    """In order, retried from the first failure, cut in two when the function fails, given up at last."""

    id: str
    records: list[Record] = field(default_factory=list)
    position: int = 0
    windows: list[Window] = field(default_factory=list)
    destination: list[Record] = field(default_factory=list)

    def behind(self) -> bool:
        return bool(self.windows) or self.position < len(self.records)

    def window(self, random: Random) -> Window | None:
        """The batch to deliver next; the same one again until `settle` or `fail` has moved it on."""
        if not self.windows and self.position < len(self.records):
            end = min(self.position + random.randint(1, BATCH), len(self.records))
            self.windows.append(Window(records=self.records[self.position : end]))
            self.position = end
        return self.windows[0] if self.windows else None

    def settle(self, window: Window, failed: Collection[str]) -> None:
        if not self._is_current(window):
            return
        first = next((i for i, record in enumerate(window.records) if record.sequence in failed), None)
        self.windows.pop(0)
        if first is not None:
            self._retry([window.records[first:]], window.attempts + 1)

    def fail(self, window: Window) -> None:
        """The function itself failed, or never answered."""
        if self._is_current(window):
            self.windows.pop(0)
            middle = (len(window.records) + 1) // 2
            halves = [window.records[:middle], window.records[middle:]]
            self._retry([half for half in halves if half], window.attempts + 1)

    def lose_checkpoint(self, random: Random) -> None:
        if not self.windows and self.position:
            self.position -= random.randint(1, min(self.position, BATCH))

    def _retry(self, parts: Sequence[list[Record]], attempts: int) -> None:
        if attempts < MAX_ATTEMPTS:
            self.windows[:0] = [Window(records=part, attempts=attempts) for part in parts]
        else:
            self.destination += [record for part in parts for record in part]

    def _is_current(self, window: Window) -> bool:
        return bool(self.windows) and self.windows[0] is window


def batch_event(deliveries: Sequence[Message | Record]) -> dict[str, Any]:
    return {"Records": [delivery.record() for delivery in deliveries]}


def failures(answer: Mapping[str, Any]) -> set[str]:
    return {item["itemIdentifier"] for item in answer["batchItemFailures"]}
