"""Records that Lambda gave up, read from moto's Kinesis and ingested again; the messages from moto's SQS."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from math import inf
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.operations import redrive_stream
from app.stream_redrive import StreamRedrive
from ingestion.handler import Handler
from rag.adapters import kinesis_batches, lambda_function
from rag.adapters.kinesis import put_record
from rag.adapters.kinesis_batches import FailedBatch
from rag.adapters.postgres.store import PostgresStore
from rag.adapters.s3 import S3Source
from rag.errors import InvalidEvent, SettingInvalid, SourceUnavailable
from tests.doubles.aws_clients import plain_client
from tests.doubles.aws_server import AwsServer, aws_server
from tests.doubles.counting_embedder import CountingEmbedder
from tests.doubles.function_server import MAX_PAYLOAD_BYTES, function_server
from tests.doubles.s3_server import BUCKET, s3_server
from tests.doubles.write_backend import WriteBackend

FUNCTION = "acervo-ingestion"
RECORDED = (Path(__file__).parents[1] / "events" / "destinations" / "kinesis-batch.json").read_text()


@pytest.fixture(scope="module")
def aws() -> Iterator[AwsServer]:
    with aws_server() as server:
        yield server


@dataclass(frozen=True, kw_only=True)
class Account:
    """A stream, the queue that tells of its failures, and the function with its database."""

    kinesis: Any
    sqs: Any
    stream: str
    arn: str
    failures: str
    handler: Handler
    store: PostgresStore
    embedder: CountingEmbedder

    def put(self, key: str, text: str) -> str:
        record = {"op": "upsert", "collection": "orders", "key": key, "text": text}
        return put_record(self.stream, record, default_tenant="default", client=self.kinesis)

    def give_up(self, first: str, last: str) -> None:
        """As Lambda does after its last attempt."""
        told = json.loads(RECORDED)
        place = {"shardId": "shardId-000000000000", "streamArn": self.arn}
        told["KinesisBatchInfo"] |= {**place, "startSequenceNumber": first, "endSequenceNumber": last}
        self.sqs.send_message(QueueUrl=self.failures, MessageBody=json.dumps(told))

    def waiting(self) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.failures, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def texts(self) -> dict[str, str]:
        documents = self.store.tenant("default").documents
        keys = [key for _, key in self.store.tenant("default").ledger.known()]
        return {key: documents.text(documents.find("orders", key).id) for key in keys}

    @contextmanager
    def function(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        with function_server(FUNCTION, lambda event: self.handler.handle(event, lambda: inf)) as url:
            monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", url)
            yield

    def redrive(self, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int, int]:
        """By the deployed function: records ingested, failed again, messages that tell of nothing."""
        with self.function(monkeypatch):
            told = redrive_stream(self.failures, function=FUNCTION, progress=lambda _: None)
        return told.ingested, told.failed, told.gone


@pytest.fixture
def account(aws: AwsServer, store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    with ExitStack() as stack:
        kinesis = stack.enter_context(closing(aws.client("kinesis")))
        sqs = stack.enter_context(closing(aws.client("sqs")))
        server = stack.enter_context(s3_server())
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "test")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
        stream = f"documents-{uuid4().hex}"
        kinesis.create_stream(StreamName=stream, ShardCount=1)
        kinesis.get_waiter("stream_exists").wait(StreamName=stream, WaiterConfig={"Delay": 1})
        described = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
        embedder = CountingEmbedder()
        source = S3Source(BUCKET, default_tenant="default", client=server.client())
        backend = WriteBackend(store=store, source=source, embedder=embedder)
        yield Account(
            kinesis=kinesis,
            sqs=sqs,
            stream=stream,
            arn=described["StreamARN"],
            failures=sqs.create_queue(QueueName=f"failures-{uuid4().hex}")["QueueUrl"],
            handler=Handler(backend, default_tenant="default", max_document_bytes=100_000),
            store=store,
            embedder=embedder,
        )


def test_given_up_records_are_ingested_and_nothing_beside_them(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.put("before.txt", "Before.")
    first, _, last = (account.put(f"{number}.txt", f"Text {number}.") for number in range(3))
    account.put("after.txt", "After.")
    account.give_up(first, last)
    assert account.redrive(monkeypatch) == (3, 0, 0)
    assert account.texts() == {f"{number}.txt": f"Text {number}." for number in range(3)}
    assert account.waiting() == 0
    assert account.redrive(monkeypatch) == (0, 0, 0)


def test_a_later_record_still_wins(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = account.put("a.txt", "Old."), account.put("a.txt", "New.")
    account.give_up(new, new)
    assert account.redrive(monkeypatch) == (1, 0, 0)
    account.give_up(old, old)
    assert account.redrive(monkeypatch) == (1, 0, 0)
    assert account.texts() == {"a.txt": "New."}


def test_a_poisoned_record_fails_again_and_its_message_stays(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = account.put("a.txt", "Text.")
    poisoned = account.kinesis.put_record(StreamName=account.stream, Data=b"{", PartitionKey="x")
    account.give_up(first, poisoned["SequenceNumber"])
    assert account.redrive(monkeypatch) == (1, 1, 0)
    assert account.texts() == {"a.txt": "Text."}
    assert account.waiting() == 1


def test_what_the_stream_no_longer_has_is_told(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    number = account.put("a.txt", "Text.")
    account.give_up(str(int(number) - 1), number)
    account.give_up(str(int(number) + 1), str(int(number) + 9))
    account.sqs.send_message(QueueUrl=account.failures, MessageBody="Hello.")
    assert account.redrive(monkeypatch) == (1, 0, 3)
    assert account.texts() == {"a.txt": "Text."}
    assert account.waiting() == 3


def test_a_function_that_fails_leaves_the_message(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    number = account.put("a.txt", "Text.")
    account.give_up(number, number)
    with function_server(FUNCTION, _raise) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", url)
        with pytest.raises(SourceUnavailable, match="failed"):
            redrive_stream(account.failures, function=FUNCTION, progress=lambda _: None)
    assert account.waiting() == 1


def _raise(event: Mapping[str, Any]) -> None:
    raise RuntimeError(f"{len(event)} events")


def test_this_machine_can_ingest_them_itself(
    account: Account, conninfo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = account.put("a.txt", "Text.")
    account.give_up(number, number)
    for name, value in {
        "DATABASE_URL": conninfo,
        "ACERVO_BUCKET": BUCKET,
        "ACERVO_EMBEDDING": "wordllama",
    }.items():
        monkeypatch.setenv(name, value)
    told = redrive_stream(account.failures, function=None, progress=lambda _: None)
    assert (told.ingested, told.failed, told.gone) == (1, 0, 0)
    assert account.texts() == {"a.txt": "Text."}


def test_large_batches_stay_below_what_a_function_takes() -> None:
    records = [{"kinesis": {"data": "x" * 1_398_104}} for _ in range(9)]
    events = list(kinesis_batches.events([*records]))
    assert [len(event["Records"]) for event in events] == [2, 2, 2, 2, 1]
    assert all(len(json.dumps(event)) < MAX_PAYLOAD_BYTES for event in events)


def test_the_destination_s_message_is_understood() -> None:
    batch = FailedBatch.parse(RECORDED)
    assert batch.stream == "arn:aws:kinesis:us-east-1:111122223333:stream/acervo-documents"
    assert batch.shard == "shardId-000000000001"
    assert int(batch.first) < int(batch.last)


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", '{"KinesisBatchInfo": {"shardId": "s"}}'])
def test_other_messages_are_refused(body: str) -> None:
    with pytest.raises(InvalidEvent):
        FailedBatch.parse(body)


def test_a_function_that_does_not_exist() -> None:
    with function_server(FUNCTION, dict) as url, plain_client("lambda", url) as client:
        assert lambda_function.invoke(FUNCTION, {"a": 1}, client=client) == {"a": 1}
        with pytest.raises(SettingInvalid, match="does not exist"):
            lambda_function.invoke("missing", {}, client=client)


def test_what_can_be_had_later_ends_the_redrive() -> None:
    def read(_body: str) -> tuple[list[Mapping[str, Any]], bool]:
        raise SourceUnavailable("the stream is away")

    redrive = StreamRedrive(read=read, ingest=partial(dict), progress=lambda _: None)
    with pytest.raises(SourceUnavailable):
        redrive("{}")
