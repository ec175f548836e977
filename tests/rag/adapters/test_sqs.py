"""Redriving, against moto's server of SQS."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest

from rag.adapters.sqs import redrive
from rag.errors import SettingInvalid, SourceUnavailable
from tests.doubles.aws_server import aws_server


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with aws_server() as server, closing(server.client("sqs")) as built:
        yield built


@pytest.fixture
def queue(client: Any) -> str:
    return str(client.create_queue(QueueName=f"queue-{uuid4().hex}")["QueueUrl"])


@pytest.fixture
def dead_letters(client: Any) -> str:
    return str(client.create_queue(QueueName=f"dead-{uuid4().hex}")["QueueUrl"])


def waiting(client: Any, url: str) -> list[str]:
    found: list[str] = []
    while messages := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += [message["Body"] for message in messages]
    return sorted(found)


def test_every_message_goes_back(client: Any, queue: str, dead_letters: str) -> None:
    bodies = sorted(f"message {number} ção" for number in range(23))
    for body in bodies:
        client.send_message(QueueUrl=dead_letters, MessageBody=body)
    told: list[int] = []
    assert redrive(queue, dead_letters, progress=told.append, client=client) == 23
    assert told == sorted(told)
    assert told[-1] == 23
    assert waiting(client, queue) == bodies
    assert _count(client, dead_letters) == 0


def test_nothing_to_move(client: Any, queue: str, dead_letters: str) -> None:
    told: list[int] = []
    assert redrive(queue, dead_letters, progress=told.append, client=client) == 0
    assert told == []


def test_attributes_and_large_messages_go_along(client: Any, queue: str, dead_letters: str) -> None:
    attributes = {"trace": {"DataType": "String", "StringValue": "7"}}
    for number in range(4):
        client.send_message(
            QueueUrl=dead_letters, MessageBody=str(number) * 100_000, MessageAttributes=attributes
        )
    assert redrive(queue, dead_letters, progress=lambda _: None, client=client) == 4
    moved = client.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
    assert [message["MessageAttributes"]["trace"]["StringValue"] for message in moved["Messages"]] == [
        "7"
    ] * 4


class Refusing:
    """A queue service that does not take some messages, over the real one."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> Any:  # noqa: N803 - boto3's names
        taken = [entry for entry in Entries if "poison" not in entry["MessageBody"]]
        refused = [entry for entry in Entries if entry not in taken]
        answer = self._client.send_message_batch(QueueUrl=QueueUrl, Entries=taken) if taken else {}
        failed = [{"Id": entry["Id"], "Code": "InternalError", "SenderFault": False} for entry in refused]
        return {"Successful": answer.get("Successful", []), "Failed": failed}


def test_what_the_queue_does_not_take_stays(client: Any, queue: str, dead_letters: str) -> None:
    for body in ("one", "poison", "two"):
        client.send_message(QueueUrl=dead_letters, MessageBody=body)
    with pytest.raises(SourceUnavailable, match="did not take 1 messages"):
        redrive(queue, dead_letters, progress=lambda _: None, client=Refusing(client))
    assert waiting(client, queue) == ["one", "two"]
    assert _count(client, dead_letters) == 1


def test_a_queue_that_does_not_exist(client: Any, queue: str) -> None:
    with pytest.raises(SettingInvalid, match="does not exist"):
        redrive(queue, queue + "-missing", progress=lambda _: None, client=client)


def _count(client: Any, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)
