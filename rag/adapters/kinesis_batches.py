"""Batches of a stream that Lambda gave up: its on-failure destination tells where the records stand.

https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
"""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from botocore.exceptions import ClientError

from rag.adapters import aws
from rag.errors import InvalidEvent

# Lambda takes 6 MB a call; a third of each record is base64's.
_GROUP_BYTES = 3_500_000


@dataclass(frozen=True, kw_only=True)
class FailedBatch:
    """From the sequence number `first` to `last`, both included."""

    stream: str
    shard: str
    first: str
    last: str

    @classmethod
    def parse(cls, body: str) -> Self:
        """Raises InvalidEvent."""
        try:
            content = json.loads(body)
        except ValueError as error:
            raise InvalidEvent("The message is not JSON.") from error
        match content:
            case {
                "KinesisBatchInfo": {
                    "streamArn": str(stream),
                    "shardId": str(shard),
                    "startSequenceNumber": str(first),
                    "endSequenceNumber": str(last),
                }
            } if first.isdecimal() and last.isdecimal():
                return cls(stream=stream, shard=shard, first=first, last=last)
        raise InvalidEvent("The message does not tell of a batch of a Kinesis stream.")


def read(batch: FailedBatch, *, client: Any = None) -> tuple[list[dict[str, Any]], bool]:
    """The batch's records as Lambda hands them over, in order, and whether the stream still has the first.

    With several batches a shard at once there may be others between: giving those again does no harm.
    """
    with aws.translated_errors(f"The stream {batch.stream}"):
        found = list(_records(client or aws.client("kinesis"), batch))
    complete = bool(found) and found[0]["SequenceNumber"] == batch.first
    return [_as_lambda_has_it(record, batch) for record in found], complete


def events(records: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """As many events as keep each below Lambda's limit."""
    group: list[Mapping[str, Any]] = []
    size = 0
    for record in records:
        length = len(record["kinesis"]["data"])
        if group and size + length > _GROUP_BYTES:
            yield {"Records": group}
            group, size = [], 0
        group.append(record)
        size += length
    if group:
        yield {"Records": group}


def _records(kinesis: Any, batch: FailedBatch) -> Iterator[Mapping[str, Any]]:
    iterator = _start(kinesis, batch)
    while iterator:
        answer = kinesis.get_records(ShardIterator=iterator, StreamARN=batch.stream)
        for record in answer["Records"]:
            if int(record["SequenceNumber"]) > int(batch.last):
                return
            yield record
            if record["SequenceNumber"] == batch.last:
                return
        at_the_tip = not answer["Records"] and not answer.get("MillisBehindLatest")
        iterator = None if at_the_tip else answer.get("NextShardIterator")


def _start(kinesis: Any, batch: FailedBatch) -> str | None:
    """None: the stream does not know the sequence number any more."""
    try:
        answer = kinesis.get_shard_iterator(
            StreamARN=batch.stream,
            ShardId=batch.shard,
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            StartingSequenceNumber=batch.first,
        )
    except ClientError as error:
        if aws.code_of(error) != "InvalidArgumentException":
            raise
        return None
    return str(answer["ShardIterator"])


def _as_lambda_has_it(record: Mapping[str, Any], batch: FailedBatch) -> dict[str, Any]:
    number = record["SequenceNumber"]
    return {
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventName": "aws:kinesis:record",
        "eventID": f"{batch.shard}:{number}",
        "eventSourceARN": batch.stream,
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record["PartitionKey"],
            "sequenceNumber": number,
            "data": base64.b64encode(record["Data"]).decode(),
        },
    }
