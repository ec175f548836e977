"""Results as they come, and nothing left behind."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from itertools import count, islice
from time import monotonic, sleep

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.adapters.bedrock.stream import stream
from rag.errors import ModelUnavailable

Cancelled = Callable[[], bool]


def threads_of_streams() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("bedrock_")]


def square(number: int, _: Cancelled) -> int:
    return number * number


@settings(max_examples=30)
@given(
    numbers=st.lists(st.integers()),
    threads=st.integers(min_value=1, max_value=8),
    ahead=st.integers(min_value=1, max_value=20),
)
def test_every_item_has_one_result(numbers: list[int], threads: int, ahead: int) -> None:
    results = stream(square, iter(numbers), threads=threads, ahead=ahead)
    assert sorted(result for some in results for result in some) == sorted(n * n for n in numbers)
    assert not threads_of_streams()


def test_items_are_drawn_as_they_are_needed() -> None:
    drawn = 0

    def items() -> Iterator[int]:
        nonlocal drawn
        for number in range(1000):
            drawn += 1
            yield number

    done = 0
    for results in stream(square, items(), threads=2, ahead=6):
        done += len(results)
        assert drawn <= done + 6
    assert done == drawn == 1000


def test_results_do_not_wait_for_the_next_item() -> None:
    released = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        while not released.is_set():
            sleep(0.01)
            yield 2

    results = stream(square, items(), threads=2, ahead=1000)
    assert 1 in next(results)
    released.set()
    assert all(some == [4] * len(some) for some in results)


def test_a_slow_call_is_no_silence() -> None:
    def slow(_: int, cancelled: Cancelled) -> int:
        end = monotonic() + 2.5
        while monotonic() < end and not cancelled():
            sleep(0.05)
        return 1

    results = [*stream(slow, iter([1]), threads=1, ahead=2)]
    assert results == [[], [1]]


def test_a_failure_comes_after_what_came_before_it_and_what_was_in_flight() -> None:
    in_flight, failed = threading.Event(), threading.Event()

    def call(number: int, cancelled: Cancelled) -> int:
        if number == 5:
            in_flight.set()
        if number == 3:
            assert in_flight.wait(10)
            failed.set()
            raise ModelUnavailable("down")
        if number > 3:
            assert failed.wait(10)
            while not cancelled():
                sleep(0.01)
            if number > 5:
                raise CancelledError
        return number

    received: list[int] = []
    results = stream(call, count(), threads=3, ahead=10)
    with pytest.raises(ModelUnavailable, match="down"):
        received.extend(number for some in results for number in some)
    assert sorted(received) == [0, 1, 2, 4, 5]
    assert not threads_of_streams()


def test_closing_stops_drawing_and_leaves_no_thread() -> None:
    started = count()

    def call(number: int, cancelled: Cancelled) -> int:
        next(started)
        while number > 3 and not cancelled():
            sleep(0.01)
        if cancelled():
            raise CancelledError
        return number

    results = stream(call, count(), threads=4, ahead=8)
    received = [number for some in islice(results, 1) for number in some]
    assert received
    assert threads_of_streams()
    results.close()
    assert not threads_of_streams()


def test_what_the_items_raise_is_raised() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(stream(square, items(), threads=2, ahead=4))
    assert not threads_of_streams()
