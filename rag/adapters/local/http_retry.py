"""Sends a request to a model server again while the server asks for time."""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count
from math import ceil
from random import SystemRandom
from typing import Final

import httpx

from rag.errors import ModelUnavailable, Throttled

_RETRIES: Final = 3
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
_SHOWN: Final = 300

_jitter = SystemRandom()


def send_with_retries(send: Callable[[], httpx.Response], pause: Callable[[float], None]) -> httpx.Response:
    """A response that is neither 429 nor 5xx.

    Raises Throttled or ModelUnavailable after three retries, or at once where the server asks for a
    pause of more than half a minute.
    """
    for attempt in count():
        outcome = _outcome(send)
        if isinstance(outcome, httpx.Response) and not _asks_for_time(outcome):
            return outcome
        asked = _asked_seconds(outcome)
        seconds = _backoff(attempt) if asked is None else asked
        if attempt == _RETRIES or seconds > _LONGEST_PAUSE:
            raise _failure(outcome, asked) from (outcome if isinstance(outcome, Exception) else None)
        pause(seconds)
    raise AssertionError("count() has no end")


def _outcome(send: Callable[[], httpx.Response]) -> httpx.Response | httpx.TransportError:
    try:
        return send()
    except httpx.TransportError as error:
        return error


def _asks_for_time(response: httpx.Response) -> bool:
    return response.status_code == httpx.codes.TOO_MANY_REQUESTS or response.is_server_error


def _backoff(attempt: int) -> float:
    ceiling = _FIRST_PAUSE * 2.0**attempt
    return _jitter.uniform(ceiling / 2, ceiling)


def _asked_seconds(outcome: httpx.Response | httpx.TransportError) -> float | None:
    """Retry-After, which is seconds or a date."""
    if isinstance(outcome, httpx.TransportError):
        return None
    asked = outcome.headers.get("Retry-After", "").strip()
    if asked.isdecimal():
        return float(asked)
    try:
        at = parsedate_to_datetime(asked)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _failure(
    outcome: httpx.Response | httpx.TransportError, asked: float | None
) -> Throttled | ModelUnavailable:
    failure: Throttled | ModelUnavailable
    if isinstance(outcome, httpx.TransportError):
        return ModelUnavailable(f"The model server does not answer: {outcome!r}")
    said = f"{outcome.url} answered {outcome.status_code}: {outcome.text[:_SHOWN]}"
    if outcome.status_code == httpx.codes.TOO_MANY_REQUESTS:
        failure = Throttled(f"The model's quota is used up for now; {said}")
    else:
        failure = ModelUnavailable(f"The model server fails; {said}")
    if asked is not None:
        failure.retry_after_seconds = ceil(asked)
    return failure
