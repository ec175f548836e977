"""Waiting, with a clock that only waiting moves."""

import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from itertools import count

import pytest

from rag.adapters.bedrock.limiter import Limiter, never


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def limiter_of(clock: Clock, *, requests_per_minute: float | None = None, patience: float = 60) -> Limiter:
    return Limiter(requests_per_minute=requests_per_minute, patience=patience, clock=clock, sleep=clock.sleep)


def test_requests_are_spread_over_the_minute() -> None:
    clock = Clock()
    limiter = limiter_of(clock, requests_per_minute=60)
    times = [limiter.admit(1) for _ in range(30)]
    assert times == pytest.approx(range(30), abs=0.01)


def test_everybody_waits_as_long_as_the_model_asks() -> None:
    clock = Clock()
    limiter = limiter_of(clock)
    limiter.throttled(sent_at=limiter.admit(1), retry_after=7.0)
    assert limiter.admit(1) >= 7.0
    limiter.throttled(sent_at=clock.now, retry_after=5.0)
    assert limiter.admit_first(1) >= 12.0


def test_a_query_does_not_wait_for_its_turn() -> None:
    clock = Clock()
    limiter = limiter_of(clock, requests_per_minute=60)
    limiter.admit(1)
    assert limiter.admit_first(1) == 0
    assert limiter.admit(1) == pytest.approx(2, abs=0.01)


def test_patience_is_counted_from_the_last_success() -> None:
    clock = Clock()
    limiter = limiter_of(clock, patience=60)
    clock.now = 50.0
    limiter.succeeded()
    clock.now = 100.0
    assert not limiter.out_of_patience(since=0.0, retry_after=None)
    clock.now = 111.0
    assert limiter.out_of_patience(since=0.0, retry_after=None)
    assert not limiter.out_of_patience(since=100.0, retry_after=None)


def test_a_wait_longer_than_the_patience_is_not_begun() -> None:
    assert limiter_of(Clock(), patience=60).out_of_patience(since=0.0, retry_after=61)


def test_waiting_ends_when_it_is_cancelled() -> None:
    clock = Clock()
    limiter = limiter_of(clock, requests_per_minute=1)
    limiter.admit(1)
    looks = count()
    with pytest.raises(CancelledError):
        limiter.admit(1, lambda: next(looks) > 10)
    assert clock.now < 10


def test_no_more_calls_than_there_is_room_for() -> None:
    limiter = Limiter(concurrency=3)
    inside, most, counting = 0, 0, threading.Lock()
    together = threading.Barrier(3, timeout=10)

    def call() -> None:
        nonlocal inside, most
        with limiter.room(never):
            with counting:
                inside += 1
                most = max(most, inside)
            together.wait()
            with counting:
                inside -= 1

    with ThreadPoolExecutor(12) as pool:
        for future in [pool.submit(call) for _ in range(12)]:
            future.result()
    assert most == 3


def test_room_is_given_back_when_a_call_fails() -> None:
    limiter = Limiter(concurrency=1)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), limiter.room(never):
            raise ZeroDivisionError
