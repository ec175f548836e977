"""Records of the producer contract as Kinesis brings them."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.events import Delivery, deliveries
from rag.domain.documents import SourceKind
from rag.domain.records import read_record
from rag.errors import InvalidRecord

EVENTS = Path(__file__).parents[1] / "events" / "kinesis"
SHARD = "shardId-000000000006"
ORDER = ("default", "orders", "2026/4711")


def read(name: str) -> list[Delivery]:
    return deliveries(json.loads((EVENTS / f"{name}.json").read_text()), default_tenant="default")


@pytest.mark.parametrize(
    ("name", "operation", "place"),
    [
        ("upsert-text", "upsert", ORDER),
        ("upsert-base64", "upsert", ("default", "orders", "2026/4711.pdf")),
        ("upsert-s3-object", "upsert", ORDER),
        ("delete", "delete", ORDER),
        ("for-a-tenant", "upsert", ("umbrella", "orders", "2026/4711")),
        ("for-the-default-tenant-by-name", "upsert", ORDER),
        ("long-key", "upsert", ("default", "orders", f"pasta/{'relatório/' * 30}final.txt")),
        ("unknown-fields", "upsert", ORDER),
    ],
)
def test_what_a_record_says(name: str, operation: str, place: tuple[str, str, str]) -> None:
    (delivery,) = read(name)
    (event,) = delivery.events
    assert (event.operation, event.place, event.kind) == (operation, place, SourceKind.KINESIS)
    assert (delivery.problem, delivery.rejections) == (None, ())
    assert (event.etag, event.uri) == (delivery.id, f"kinesis:{SHARD}/{delivery.id}")


def test_the_record_itself_comes_along() -> None:
    (delivery,) = read("upsert-text")
    (event,) = delivery.events
    assert event.record is not None
    assert event.size == len(event.record)
    assert read_record(event.record).body == "Pedido de três cadeiras.".encode()


def test_a_batch_keeps_its_order_and_a_poison_record_fails_alone() -> None:
    found = read("batch")
    assert [delivery.problem is None for delivery in found] == [True, True, False, True]
    orders = [event.order for delivery in found for event in delivery.events]
    assert orders == sorted(orders)
    assert {len(order) for order in orders} == {129}
    assert [delivery.id for delivery in found] == sorted(delivery.id for delivery in found)


def test_records_that_belong_to_no_document_are_handed_back() -> None:
    for delivery in read("malformed"):
        assert delivery.problem
        assert delivery.events == ()


def test_another_partition_key_would_lose_the_order() -> None:
    (delivery,) = read("wrong-partition-key")
    assert delivery.problem is not None
    assert "must be 'orders/2026/4711'" in delivery.problem


def test_faults_of_the_content_are_the_document_s() -> None:
    found = [event for delivery in read("faulty-content") for event in delivery.events]
    assert [event.place for event in found] == [ORDER] * 4
    for event in found:
        with pytest.raises(InvalidRecord):
            read_record(event.record or b"")


SEQUENCE_NUMBERS = st.integers(min_value=0, max_value=10**129 - 1)


def order(number: int) -> str:
    record = {"op": "delete", "collection": "orders", "key": "1"}
    event = {
        "Records": [
            {
                "eventSource": "aws:kinesis",
                "eventID": f"shardId-000000000000:{number}",
                "kinesis": {
                    "partitionKey": "orders/1",
                    "sequenceNumber": str(number),
                    "data": base64.b64encode(json.dumps(record).encode()).decode(),
                },
            }
        ]
    }
    (delivery,) = deliveries(event, default_tenant="default")
    return delivery.events[0].order


@given(SEQUENCE_NUMBERS, SEQUENCE_NUMBERS)
def test_orders_compare_as_sequence_numbers_do(one: int, other: int) -> None:
    assert (order(one) < order(other)) == (one < other)
