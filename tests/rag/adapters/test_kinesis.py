"""Putting records, by the adapter and by the example, against moto's server of Kinesis."""

import base64
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from botocore.stub import Stubber

from ingestion.events import deliveries
from rag.adapters.kinesis import put_record
from rag.domain.documents import SourceEvent
from rag.domain.records import read_record
from rag.errors import AcervoError, InvalidRecord, SettingInvalid, SourceUnavailable
from tests.doubles.aws_server import AwsServer, aws_server

EXAMPLE = Path(__file__).parents[3] / "examples" / "kinesis_producer.py"
RECORD = {"op": "upsert", "collection": "orders", "key": "2026/ção.md", "text": "três cadeiras"}


@pytest.fixture(scope="module")
def aws() -> Iterator[AwsServer]:
    with aws_server() as server:
        yield server


@pytest.fixture(scope="module")
def client(aws: AwsServer) -> Iterator[Any]:
    with closing(aws.client("kinesis")) as built:
        yield built


@pytest.fixture
def stream(client: Any) -> str:
    name = f"documents-{uuid4().hex}"
    client.create_stream(StreamName=name, ShardCount=1)
    client.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    return name


def received(client: Any, stream: str) -> list[SourceEvent]:
    """What a consumer makes of the stream's records."""
    start = client.get_shard_iterator(
        StreamName=stream, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )
    records = client.get_records(ShardIterator=start["ShardIterator"])["Records"]
    found = deliveries({"Records": [_as_lambda(record) for record in records]}, default_tenant="default")
    assert [delivery.problem for delivery in found] == [None] * len(records)
    return [event for delivery in found for event in delivery.events]


def _as_lambda(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "eventSource": "aws:kinesis",
        "eventID": f"shardId-000000000000:{record['SequenceNumber']}",
        "kinesis": {
            "partitionKey": record["PartitionKey"],
            "sequenceNumber": record["SequenceNumber"],
            "data": base64.b64encode(record["Data"]).decode(),
        },
    }


def test_a_record_arrives_as_its_document_s_event(client: Any, stream: str) -> None:
    number = put_record(stream, RECORD, default_tenant="default", client=client)
    (event,) = received(client, stream)
    assert (event.place, event.etag) == (("default", "orders", "2026/ção.md"), number)
    assert read_record(event.record or b"").body == "três cadeiras".encode()


def test_records_of_one_document_keep_their_order(client: Any, stream: str) -> None:
    first = put_record(stream, RECORD, default_tenant="default", client=client)
    deletion = {"op": "delete", "collection": "orders", "key": "2026/ção.md"}
    put_record(stream, deletion, default_tenant="default", after=first, client=client)
    events = received(client, stream)
    assert [event.operation for event in events] == ["upsert", "delete"]
    assert events[0].order < events[1].order


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"text": None}, "exactly one"),
        ({"key": "../x"}, "cannot be stored"),
        ({"text": "\ud800"}, "UTF-8"),
        ({"metadata": {"a": float("nan")}}, "not JSON"),
    ],
)
def test_what_consumers_would_refuse_is_not_sent(
    client: Any, stream: str, changes: Mapping[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidRecord, match=reason):
        put_record(stream, {**RECORD, **changes}, default_tenant="default", client=client)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ValidationException", InvalidRecord),
        ("ProvisionedThroughputExceededException", SourceUnavailable),
        ("AccessDeniedException", SettingInvalid),
    ],
)
def test_a_record_that_the_stream_does_not_take(aws: AwsServer, code: str, error: type[AcervoError]) -> None:
    with closing(aws.client("kinesis")) as refusing, Stubber(refusing) as stubber:
        stubber.add_client_error("put_record", code, http_status_code=400)
        with pytest.raises(error):
            put_record("documents", RECORD, default_tenant="default", client=refusing)


def test_a_stream_that_does_not_exist(client: Any) -> None:
    with pytest.raises(SettingInvalid, match="missing does not exist"):
        put_record("missing", RECORD, default_tenant="default", client=client)


def run_example(aws: AwsServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    given = {
        "AWS_ENDPOINT_URL": aws.endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    return subprocess.run(
        [sys.executable, str(EXAMPLE), *arguments],
        env={**_environment(), **given},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def _environment() -> dict[str, str]:
    kept = ("PATH", "HOME", "LANG")
    return {name: value for name, value in os.environ.items() if name in kept}  # noqa: TID251 - for a child


def test_the_example_s_records_are_understood(
    aws: AwsServer, client: Any, stream: str, tmp_path: Path
) -> None:
    (tmp_path / "férias.md").write_text("# Férias\n", encoding="utf-8")
    (tmp_path / "scan.pdf").write_bytes(b"%PDF-1.7\xff")
    files = [str(tmp_path / "férias.md"), str(tmp_path / "scan.pdf")]
    sent = run_example(aws, "--stream", stream, "--collection", "handbook", *files)
    assert sent.returncode == 0, sent.stderr
    removed = run_example(aws, "--stream", stream, "--collection", "handbook", "--delete", files[0])
    assert removed.returncode == 0, removed.stderr
    events = received(client, stream)
    assert [(event.operation, event.key) for event in events] == [
        ("upsert", "férias.md"),
        ("upsert", "scan.pdf"),
        ("delete", "férias.md"),
    ]
    assert [read_record(event.record or b"").body for event in events] == [
        "# Férias\n".encode(),
        b"%PDF-1.7\xff",
        None,
    ]


def test_the_example_puts_long_keys_and_tenants_where_they_belong(
    aws: AwsServer, client: Any, stream: str, tmp_path: Path
) -> None:
    file = tmp_path / ("ç" * 120)
    file.write_text("x", encoding="utf-8")
    arguments = ("--collection", "handbook-of-the-holding", "--tenant", "umbrella", str(file))
    sent = run_example(aws, "--stream", stream, *arguments)
    assert sent.returncode == 0, sent.stderr
    assert [event.place for event in received(client, stream)] == [
        ("umbrella", "handbook-of-the-holding", "ç" * 120)
    ]
