"""The pace against a model whose quota is known to the test, in simulated time."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.adapters.bedrock.pace import Pace

CONCURRENCY = 64
LATENCY = 0.08


@dataclass(kw_only=True)
class Model:
    """`quota` in requests a second at a time; unused quota of `burst_seconds` is kept."""

    quota: Callable[[float], float]
    burst_seconds: float = 0.1
    retry_after: float | None = None
    level: float = 0.0
    filled_at: float = 0.0

    def accepts(self, now: float) -> bool:
        rate = self.quota(now)
        filled = self.level + (now - self.filled_at) * rate
        self.level = min(filled, max(1.0, rate * self.burst_seconds))
        self.filled_at = now
        if self.level < 1:
            return False
        self.level -= 1
        return True


@dataclass(kw_only=True)
class Outcome:
    sent: list[float] = field(default_factory=list)
    successes: list[float] = field(default_factory=list)
    throttles: list[float] = field(default_factory=list)

    def rate(self, start: float, end: float) -> float:
        return sum(start <= at < end for at in self.successes) / (end - start)


def simulate(pace: Pace, model: Model, *, until: float, demand: Callable[[float], bool] = bool) -> Outcome:
    """Always more to send than the model takes, where `demand` does not say otherwise."""
    now, outcome = 0.0, Outcome()
    answers: list[tuple[float, float, bool]] = []
    while now < until:
        delay = pace.delay(now, 1) if demand(now + 1e-9) else 0.1
        if delay <= 0 and len(answers) < CONCURRENCY:
            pace.sent(now, 1)
            outcome.sent.append(now)
            heapq.heappush(answers, (now + LATENCY, now, model.accepts(now + LATENCY / 2)))
            continue
        nexts = [answers[0][0]] if answers else []
        nexts += [now + delay] if delay > 0 else []
        now = min(nexts)
        while answers and answers[0][0] <= now:
            _, sent_at, accepted = heapq.heappop(answers)
            if accepted:
                outcome.successes.append(now)
                pace.succeeded(now)
            else:
                outcome.throttles.append(now)
                pace.throttled(now, sent_at=sent_at, retry_after=model.retry_after)
    return outcome


def constant(rate: float) -> Callable[[float], float]:
    return lambda _: rate


def test_a_known_quota_is_used_up_and_not_exceeded() -> None:
    outcome = simulate(Pace(requests_per_second=50), Model(quota=constant(50)), until=60)
    assert outcome.rate(0, 60) >= 0.99 * 50
    assert len(outcome.throttles) <= 10


@pytest.mark.parametrize(("quota", "share"), [(1, 0.8), (5, 0.85), (20, 0.95), (50, 0.95), (200, 0.95)])
def test_an_unknown_quota_is_found(quota: float, share: float) -> None:
    outcome = simulate(Pace(), Model(quota=constant(quota)), until=120)
    assert outcome.rate(0, 120) >= share * quota
    assert sum(at > 10 for at in outcome.throttles) <= 0.2 * len(outcome.successes)


@settings(max_examples=40)
@given(quota=st.floats(min_value=2, max_value=300), burst_seconds=st.floats(min_value=0.0, max_value=20))
def test_no_quota_is_missed_by_much(quota: float, burst_seconds: float) -> None:
    model = Model(quota=constant(quota), burst_seconds=burst_seconds)
    outcome = simulate(Pace(), model, until=60)
    assert outcome.rate(0, 60) >= 0.7 * quota - 1


@pytest.mark.parametrize("pause", [0.2, 0.5, 0.9])
def test_one_success_long_before_is_no_evidence(pause: float) -> None:
    outcome = simulate(
        Pace(), Model(quota=constant(50)), until=20, demand=lambda now: now > pause or now < 0.01
    )
    assert outcome.rate(1, 20) >= 0.95 * 50


def test_without_throttling_there_is_no_limit_but_the_concurrency() -> None:
    pace = Pace()
    outcome = simulate(pace, Model(quota=constant(1e9)), until=2)
    assert pace.rate == inf
    assert outcome.rate(0, 2) >= 0.95 * CONCURRENCY / LATENCY


@pytest.mark.parametrize(("before", "after"), [(5, 50), (10, 200), (1, 50)])
def test_the_rate_follows_a_quota_that_grows(before: float, after: float) -> None:
    outcome = simulate(Pace(), Model(quota=lambda now: before if now < 60 else after), until=150)
    assert outcome.rate(110, 150) >= 0.95 * after


def test_a_quota_that_is_lifted_leaves_no_limit() -> None:
    pace = Pace()
    simulate(pace, Model(quota=lambda now: 5 if now < 10 else 1e9), until=150)
    assert pace.rate == inf


def test_the_rate_follows_a_quota_that_shrinks() -> None:
    outcome = simulate(Pace(), Model(quota=lambda now: 50 if now < 30 else 5), until=90)
    assert outcome.rate(32, 90) >= 0.85 * 5
    assert sum(at > 32 for at in outcome.throttles) <= 60


def test_after_an_outage_the_rate_is_soon_what_it_was() -> None:
    outcome = simulate(Pace(), Model(quota=lambda now: 1e-6 if 20 < now < 30 else 50), until=60)
    assert outcome.rate(36, 60) >= 0.95 * 50


def test_what_was_let_through_while_little_was_asked_for_says_nothing() -> None:
    outcome = simulate(
        Pace(), Model(quota=constant(50)), until=40, demand=lambda now: now > 20 or now % 5 < 0.02
    )
    assert outcome.rate(20, 40) >= 0.9 * 50


def test_many_rejections_of_one_round_trip_are_one_cut() -> None:
    pace = Pace()
    for _ in range(64):
        pace.sent(0.0, 1)
    for number in range(20):
        pace.succeeded(0.1 + number / 1000)
    pace.throttled(0.2, sent_at=0.0)
    rate = pace.rate
    for _ in range(43):
        pace.throttled(0.2, sent_at=0.0)
    assert pace.rate == rate


@pytest.mark.parametrize(("quota", "share"), [(5, 0.4), (50, 0.7)])
def test_nothing_is_sent_while_the_model_asks_for_time(quota: float, share: float) -> None:
    outcome = simulate(Pace(), Model(quota=constant(quota), retry_after=1.5), until=60)
    for at in outcome.throttles:
        assert not any(at < sent < at + 1.5 - 1e-9 for sent in outcome.sent)
    assert outcome.rate(0, 60) >= share * quota


def test_tokens_have_a_quota_of_their_own() -> None:
    pace, now, sent = Pace(tokens_per_second=100), 0.0, 0
    while now < 100:
        if (delay := pace.delay(now, 20)) > 0:
            now += delay
        else:
            pace.sent(now, 20)
            sent += 20
    assert sent == pytest.approx(100 * 100, rel=0.02)


def test_a_request_larger_than_the_bucket_passes_and_is_owed() -> None:
    pace = Pace(tokens_per_second=10)
    assert pace.delay(0.0, 1000) == 0
    pace.sent(0.0, 1000)
    assert pace.delay(0.0, 10) == pytest.approx(100, rel=0.02)
