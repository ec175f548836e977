"""Queues: messages that failed too often go back into theirs, others are settled one by one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rag.adapters import aws
from rag.errors import SourceUnavailable

_BATCH = 10
# The smallest limit there was for all messages of a batch together, in bytes (1 MiB since 2025-08).
_BATCH_BYTES = 256 * 1024
# Longer than a redrive: a message that fails again meanwhile is not met twice.
_HIDDEN_SECONDS = 120
# As long as a message may take to be settled.
_SETTLING_SECONDS = 900
_COPIED = ("DataType", "StringValue", "BinaryValue")


def redrive(
    queue_url: str, dead_letter_url: str, *, progress: Callable[[int], None], client: Any = None
) -> int:
    """Moves every message of the dead-letter queue back; returns how many.

    A message is deleted there after the queue has it: a crash half-way leaves it in both, never in none.
    `progress` is called with the number moved so far.
    """
    sqs = client or aws.client("sqs")
    count = 0
    # What fails again and comes back under its new id waits for the next redrive.
    sent: set[str] = set()
    with aws.translated_errors("The queue"):
        while received := _receive(sqs, dead_letter_url):
            for batch in _batches([message for message in received if message["MessageId"] not in sent]):
                sent |= _move(sqs, queue_url, dead_letter_url, batch)
                count += len(batch)
                progress(count)
    return count


def settle(url: str, done: Callable[[str], bool], *, client: Any = None) -> int:
    """Deletes the messages whose body `done` is done with; returns how many stay."""
    sqs = client or aws.client("sqs")
    staying: set[str] = set()
    with aws.translated_errors("The queue"):
        while received := _receive(sqs, url, hidden_seconds=_SETTLING_SECONDS):
            for message in received:
                if message["MessageId"] not in staying and done(message["Body"]):
                    _delete(sqs, url, [message])
                else:
                    staying.add(message["MessageId"])
    return len(staying)


def _receive(sqs: Any, url: str, *, hidden_seconds: int = _HIDDEN_SECONDS) -> Sequence[Mapping[str, Any]]:
    answer = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=_BATCH,
        MessageAttributeNames=["All"],
        VisibilityTimeout=hidden_seconds,
        # Asks all of the service's machines, not some of them.
        WaitTimeSeconds=1,
    )
    found: Sequence[Mapping[str, Any]] = answer.get("Messages", ())
    return found


def _batches(messages: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[Mapping[str, Any]]]:
    size = sum(len(message["Body"].encode()) for message in messages)
    if size > _BATCH_BYTES:
        yield from ([message] for message in messages)
    elif messages:
        yield messages


def _move(sqs: Any, queue_url: str, dead_letter_url: str, messages: Sequence[Mapping[str, Any]]) -> set[str]:
    """The ids under which the queue has them now."""
    entries = [
        {"Id": str(number), "MessageBody": message["Body"], "MessageAttributes": _attributes(message)}
        for number, message in enumerate(messages)
    ]
    answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)
    taken = [messages[int(entry["Id"])] for entry in answer.get("Successful", ())]
    _delete(sqs, dead_letter_url, taken)
    if failed := answer.get("Failed"):
        raise SourceUnavailable(
            f"The queue did not take {len(failed)} messages ({failed[0].get('Code')});"
            " they are still in the dead-letter queue."
        )
    return {entry["MessageId"] for entry in answer["Successful"]}


def _attributes(message: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {part: value[part] for part in _COPIED if part in value}
        for name, value in message.get("MessageAttributes", {}).items()
    }


def _delete(sqs: Any, url: str, messages: Sequence[Mapping[str, Any]]) -> None:
    if not messages:
        return
    entries = [
        {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
        for number, message in enumerate(messages)
    ]
    answer = sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    if failed := answer.get("Failed"):
        raise SourceUnavailable(
            f"{len(failed)} messages are in the queue again and could not be deleted from the dead-letter"
            f" queue ({failed[0].get('Code')}); moved again they do no harm."
        )
