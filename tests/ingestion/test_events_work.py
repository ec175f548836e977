"""Requests for work, the schedule, and what comes through a topic of SNS."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ingestion.events import Delivery, deliveries
from rag.domain.buckets import described_state, is_document, object_state, same_state, work_request

EVENTS = Path(__file__).parents[1] / "events"


def read(name: str) -> list[Delivery]:
    return deliveries(json.loads((EVENTS / f"{name}.json").read_text()), default_tenant="default")


def test_an_object_asks_for_a_tenant_s_work() -> None:
    assert read("s3/work-requested") == [Delivery(tenants=("umbrella",))]
    assert not is_document(work_request("umbrella"))


def test_a_request_that_is_cleared_away_asks_for_nothing() -> None:
    assert read("s3/work-request-removed") == [Delivery()]


def test_a_request_of_nobody_is_rejected() -> None:
    (delivery,) = read("s3/work-requested-of-nobody")
    assert [rejection.code for rejection in delivery.rejections] == ["invalid_key"]
    assert (delivery.tenants, delivery.events, delivery.problem) == ((), (), None)


def test_the_schedule_asks_for_everybody_s_work() -> None:
    assert read("schedule/sweep") == [Delivery(every_tenant=True)]


def test_a_topic_between_bucket_and_queue_changes_nothing() -> None:
    through_topic = read("sqs/sns-envelopes")
    assert through_topic[0].events == read("s3/created-url-encoded-key")[0].events
    assert (through_topic[1].events, through_topic[1].problem) == ((), None)
    assert through_topic[2].events == read("eventbridge/object-created")[0].events
    assert [delivery.id[-1] for delivery in through_topic] == list("12345")


def test_what_others_send_to_the_topic_is_handed_back() -> None:
    *_, text, foreign = read("sqs/sns-envelopes")
    assert text.problem == "The body of the message is not JSON."
    assert foreign.problem


NAMES = st.text("0123456789abcdef-", min_size=1, max_size=6)


@given(NAMES, NAMES, st.sampled_from(["", '"s1"', '"s2"']), st.sampled_from(["", '"s1"', '"s2"']))
def test_a_notification_s_state_says_nothing_of_the_side_car(
    etag: str, version: str, one: str, other: str
) -> None:
    told = object_state(f'"{etag}"', version)
    assert same_state(told, told)
    assert same_state(told, described_state(told, one))
    assert same_state(described_state(told, one), told)
    assert same_state(described_state(told, one), described_state(told, other)) == (one == other)
    assert not same_state(told, object_state(f'"{etag}0"', version))
