"""Streams that end with an outcome."""

from collections.abc import Generator
from contextlib import closing
from typing import TypeVar

from rag.interruption import raise_if_interrupted

T = TypeVar("T")


def outcome_of(stream: Generator[object, None, T]) -> T:
    """Of a stream whose events nobody sees; ends within an event once it is given up."""
    with closing(stream):
        while True:
            try:
                next(stream)
            except StopIteration as end:
                outcome: T = end.value
                return outcome
            raise_if_interrupted()
