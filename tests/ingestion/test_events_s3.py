"""Changes of objects, as S3, EventBridge and SQS tell them."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.events import Delivery, deliveries
from ingestion.events.objects import order_of
from rag.domain.documents import SourceKind
from rag.errors import InvalidEvent
from tests.doubles.bucket import Bucket, Change, Sequencers

EVENTS = Path(__file__).parents[1] / "events"
SOURCES = ("s3", "eventbridge", "sqs", "kinesis", "schedule")
ETAG = "9b2cf535f27731c974343645a3985328"
VERSION = "096fKKXTRTtl3on89fVO.nfljtsv6qko"


def read(name: str) -> list[Delivery]:
    return deliveries(json.loads((EVENTS / f"{name}.json").read_text()), default_tenant="default")


def summary(delivery: Delivery) -> list[tuple[str, ...]]:
    return [(event.operation, *event.place, event.order, event.etag) for event in delivery.events]


VACATION = ("default", "handbook", "vacation.md")
NOTHING: list[tuple[str, ...]] = []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("s3/created", [("upsert", *VACATION, "0065A1F2C3D4E5F607", ETAG)]),
        (
            "s3/created-url-encoded-key",
            [
                (
                    "upsert",
                    "default",
                    "handbook",
                    "pt/Relatório anual + anexo.pdf",
                    "0065A1F2C3D4E5F61",
                    ETAG,
                )
            ],
        ),
        ("s3/created-versioned", [("upsert", *VACATION, "0065A1F2C3D4E5F7", f"{ETAG}/{VERSION}")]),
        (
            "s3/created-multipart",
            [
                (
                    "upsert",
                    "default",
                    "handbook",
                    "archive.pdf",
                    "0065A1F2D",
                    "d8c2eafd90c266e19ab9dcacc479f8af-4",
                )
            ],
        ),
        (
            "s3/created-for-a-tenant",
            [("upsert", "umbrella", "contracts", "2026/lease.docx", "0065A1F2C3D4E5F607", ETAG)],
        ),
        ("s3/created-without-sequencer", [("observe", *VACATION, "", "")]),
        ("s3/removed", [("delete", *VACATION, "0065A1F2C3D4E5F8", "")]),
        ("s3/delete-marker-created", [("delete", *VACATION, "0065A1F2C3D4E5F801", "")]),
        ("s3/version-removed", [("observe", *VACATION, "0065A1F2C3D4E5F802", "")]),
        ("s3/lifecycle-expired", [("delete", *VACATION, "0065A1F2C3D4E5F803", "")]),
        ("s3/lifecycle-version-expired", [("observe", *VACATION, "0065A1F2C3D4E5F804", "")]),
        ("s3/lifecycle-delete-marker-created", [("delete", *VACATION, "0065A1F2C3D4E5F805", "")]),
        ("s3/sidecar-created", [("describe", *VACATION, "", "")]),
        ("s3/sidecar-removed", [("describe", *VACATION, "", "")]),
        ("s3/unknown-fields", [("upsert", *VACATION, "0065A1F2C3D4E5F607", ETAG)]),
        ("s3/restore-completed", NOTHING),
        ("s3/tags-changed", NOTHING),
        ("s3/folder-marker-created", NOTHING),
        ("s3/folder-marker-removed", NOTHING),
        ("s3/test-event", NOTHING),
        (
            "s3/several-records",
            [
                ("upsert", "default", "handbook", "a.md", "0065A1F2C3D4E5F60A", ETAG),
                ("delete", "default", "handbook", "c.md", "0065A1F2C3D4E5F60B", ""),
                (
                    "upsert",
                    "default",
                    "handbook",
                    "a.md",
                    "0065A1F2C3D4E5F60C",
                    "d41d8cd98f00b204e9800998ecf8427e",
                ),
            ],
        ),
        ("eventbridge/object-created", [("upsert", *VACATION, "0065A1F2C3D4E5F607", ETAG)]),
        (
            "eventbridge/object-created-key-not-encoded",
            [
                (
                    "upsert",
                    "default",
                    "handbook",
                    "pt/Relatório anual + 100%25.pdf",
                    "0065A1F2C3D4E5F61",
                    f"{ETAG}/{VERSION}",
                )
            ],
        ),
        ("eventbridge/object-removed", [("delete", *VACATION, "0065A1F2C3D4E5F8", "")]),
        ("eventbridge/delete-marker-created", [("delete", *VACATION, "0065A1F2C3D4E5F801", "")]),
        ("eventbridge/version-removed", [("observe", *VACATION, "0065A1F2C3D4E5F802", "")]),
        ("eventbridge/lifecycle-expired", [("delete", *VACATION, "0065A1F2C3D4E5F803", "")]),
        ("eventbridge/sidecar-created", [("describe", *VACATION, "", "")]),
        ("eventbridge/tags-added", NOTHING),
    ],
)
def test_what_an_event_says(name: str, expected: list[tuple[str, ...]]) -> None:
    (delivery,) = read(name)
    assert summary(delivery) == expected
    assert (delivery.id, delivery.problem) == ("", None)


def test_the_uri_names_the_object_as_it_is_called() -> None:
    (delivery,) = read("s3/created-url-encoded-key")
    (event,) = delivery.events
    assert event.uri == "s3://acme-documents/handbook/pt/Relatório anual + anexo.pdf"
    assert (event.kind, event.size, event.record) == (SourceKind.S3, 482113, None)


def test_a_sidecar_s_uri_is_that_of_its_document() -> None:
    (delivery,) = read("s3/sidecar-created")
    assert [event.uri for event in delivery.events] == ["s3://acme-documents/handbook/vacation.md"]


@pytest.mark.parametrize(
    ("name", "uri", "code", "reason"),
    [
        ("outside-any-collection-created", "vacation.md", "invalid_key", "in no collection"),
        ("hidden-file-created", "handbook/.DS_Store", "invalid_key", "begin with '.'"),
        ("control-character-created", "handbook/a\nb.txt", "invalid_key", "control character"),
        (
            "impossible-collection-created",
            "HR Documents/vacation.md",
            "invalid_request",
            "A collection name has",
        ),
        (
            "created-for-the-default-tenant-by-name",
            "@default/handbook/vacation.md",
            "invalid_key",
            "at the top of the bucket",
        ),
    ],
)
def test_objects_that_can_never_be_ingested(name: str, uri: str, code: str, reason: str) -> None:
    (delivery,) = read(f"s3/{name}")
    (rejection,) = delivery.rejections
    assert (rejection.uri, rejection.code) == (f"s3://acme-documents/{uri}", code)
    assert reason in rejection.detail
    assert (delivery.events, delivery.problem) == ((), None)


def test_one_impossible_object_does_not_hold_up_the_others() -> None:
    (delivery,) = read("s3/several-records")
    assert len(delivery.events) == 3
    assert [rejection.uri for rejection in delivery.rejections] == ["s3://acme-documents/Handbook/b.md"]


@pytest.mark.parametrize(
    ("name", "keys"),
    [("s3/one-record-malformed", ["a.md", "b.md"]), ("s3/key-not-utf8", []), ("eventbridge/malformed", [])],
)
def test_what_cannot_be_read_is_handed_back_and_the_rest_goes_on(name: str, keys: list[str]) -> None:
    (delivery,) = read(name)
    assert delivery.problem
    assert [event.key for event in delivery.events] == keys


def test_each_message_of_a_batch_is_a_delivery() -> None:
    found = read("sqs/batch")
    assert [delivery.id[-1] for delivery in found] == list("1234567")
    assert [len(delivery.events) for delivery in found] == [1, 0, 0, 1, 1, 0, 3]
    assert [len(delivery.rejections) for delivery in found] == [0, 0, 0, 0, 0, 1, 1]
    assert [delivery.problem for delivery in found if delivery.problem] == [
        "The body of the message is not JSON."
    ]
    assert [event.key for delivery in found[3:5] for event in delivery.events] == [
        "vacation.md",
        "pt/Relatório anual + 100%25.pdf",
    ]


def test_a_message_says_what_a_direct_event_says() -> None:
    (through_sqs,), (direct,) = read("sqs/s3-created"), read("s3/created-url-encoded-key")
    assert through_sqs.events == direct.events
    assert through_sqs.id == "059f36b4-87a3-44ab-83d2-661975830001"


@pytest.mark.parametrize("name", ["sqs/foreign-body", "sqs/foreign-eventbridge-event"])
def test_messages_of_others_are_handed_back(name: str) -> None:
    for delivery in read(name):
        assert delivery.problem
        assert (delivery.events, delivery.rejections) == ((), ())


def test_a_malformed_record_in_a_message_hands_the_message_back() -> None:
    (delivery,) = read("sqs/malformed-record")
    assert delivery.problem
    assert [event.key for event in delivery.events] == ["a.md", "b.md"]


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"Records": []},
        {"Records": [{"eventSource": "aws:dynamodb"}]},
        {"Records": [{"eventSource": "aws:sqs", "body": "{}"}]},
        {"Records": [{"eventSource": "aws:kinesis", "eventID": "shardId-0:1", "kinesis": {}}]},
        {"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification"},
        {"httpMethod": "GET"},
    ],
)
def test_events_of_no_known_source(event: dict[str, Any]) -> None:
    with pytest.raises(InvalidEvent):
        deliveries(event, default_tenant="default")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def broken_events(draw: st.DrawFn) -> dict[str, Any]:
    """A recorded event with something else in one place."""
    names = sorted(path for source in SOURCES for path in (EVENTS / source).glob("*.json"))
    event: Any = json.loads(draw(st.sampled_from(names)).read_text())
    inside: Any = event
    while True:
        place = draw(st.sampled_from(sorted(inside) if isinstance(inside, dict) else range(len(inside))))
        if not (isinstance(inside[place], dict | list) and inside[place] and draw(st.integers(0, 4))):
            inside[place] = draw(JSON)
            return dict(event)
        inside = inside[place]


@given(broken_events() | st.dictionaries(st.text(), JSON))
def test_any_event_is_read_or_refused(event: dict[str, Any]) -> None:
    try:
        found = deliveries(event, default_tenant="default")
    except InvalidEvent:
        return
    assert all(delivery.id or len(found) == 1 for delivery in found)


SEQUENCERS = st.text("0123456789abcdefABCDEF", min_size=1, max_size=24)


@given(SEQUENCERS, SEQUENCERS)
def test_order_is_the_comparison_that_s3_asks_for(one: str, other: str) -> None:
    width = max(len(one), len(other))
    padded = one.upper().ljust(width, "0"), other.upper().ljust(width, "0")
    assert (order_of(one) < order_of(other)) == (padded[0] < padded[1])
    assert (order_of(one) == order_of(other)) == (padded[0] == padded[1])


@given(st.text())
def test_an_order_is_hexadecimal_or_none(sequencer: str) -> None:
    assert set(order_of(sequencer)) <= set("0123456789ABCDEF")


def test_the_double_s_sequencers_grow_and_vary_in_length() -> None:
    sequencers = Sequencers()
    given_out = [sequencers.next() for _ in range(2000)]
    orders = [order_of(sequencer) for sequencer in given_out]
    assert orders == sorted(set(orders))
    assert len({len(sequencer) for sequencer in given_out}) > 3


def test_the_double_tells_of_changes_as_s3_does() -> None:
    changes: list[Change] = []
    bucket = Bucket(name="acme-documents", versioned=True, listener=changes.append)
    first = bucket.put("handbook/pt/Relatório + 1%.md", b"one")
    bucket.put("handbook/pt/Relatório + 1%.md", b"two")
    bucket.delete("handbook/pt/Relatório + 1%.md")
    assert first.version is not None
    bucket.delete("handbook/pt/Relatório + 1%.md", first.version.id)
    found = [deliveries(change.notification, default_tenant="default")[0].events[0] for change in changes]
    assert [event.operation for event in found] == ["upsert", "upsert", "delete", "observe"]
    assert {event.uri for event in found} == {"s3://acme-documents/handbook/pt/Relatório + 1%.md"}
    assert [event.order for event in found] == sorted(order_of(change.sequencer) for change in changes)


def test_the_double_s_notification_has_the_recorded_shape() -> None:
    recorded = json.loads((EVENTS / "s3/created-versioned.json").read_text())["Records"][0]
    bucket = Bucket(name="acme-documents", versioned=True)
    told = bucket.put("handbook/vacation.md", b"x").notification["Records"][0]
    assert told.keys() == recorded.keys()
    assert told["s3"].keys() == recorded["s3"].keys()
    assert told["s3"]["object"].keys() == recorded["s3"]["object"].keys()
