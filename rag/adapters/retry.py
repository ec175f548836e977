"""Calls a model again while it is throttled or fails in passing."""

from collections.abc import Callable
from random import SystemRandom
from time import sleep
from typing import Final, TypeVar

from rag.adapters.aws_errors import ModelTimedOut, QuotaUsedUp
from rag.errors import ModelStarting, ModelUnavailable, Throttled
from rag.interruption import raise_if_interrupted
from rag.telemetry import Metric, measure

Answer = TypeVar("Answer")
Pause = Callable[[float], None]

_RETRIES: Final = 2
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 5.0

_jitter = SystemRandom()


def with_retries(call: Callable[[], Answer], pause: Pause = sleep) -> Answer:
    """Somebody waits for the answer: a pause of more than five seconds is not made, the error is raised.

    An endpoint needs minutes to start, and who was silent for a minute had its time: neither is asked again.
    """
    for attempt in range(_RETRIES):
        raise_if_interrupted()
        try:
            return _measured(call)
        except (ModelStarting, ModelTimedOut):
            raise
        except (ModelUnavailable, Throttled) as failure:
            seconds = _seconds(failure, attempt)
            if seconds > _LONGEST_PAUSE:
                raise
        pause(seconds)
    raise_if_interrupted()
    return _measured(call)


def _measured(call: Callable[[], Answer]) -> Answer:
    try:
        return call()
    except Throttled:
        measure({Metric.THROTTLES: 1})
        raise


def _seconds(failure: ModelUnavailable | Throttled, attempt: int) -> float:
    if isinstance(failure, QuotaUsedUp) and failure.retry_after is not None:
        return failure.retry_after
    ceiling = _FIRST_PAUSE * 2.0**attempt
    return _jitter.uniform(ceiling / 2, ceiling)
