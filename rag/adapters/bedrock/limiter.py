"""Decides when a model is asked: one for all threads that ask it."""

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from math import inf
from threading import BoundedSemaphore, Lock
from time import monotonic, sleep
from typing import Final

from rag.adapters.bedrock.pace import Pace

Cancelled = Callable[[], bool]

_MINUTE: Final = 60.0
# Nothing waits longer than this without looking up.
_SLICE: Final = 0.25


def never() -> bool:
    return False


class Limiter:
    """At most `concurrency` calls in flight, at the pace of the quotas or of what throttling lets through.

    `patience`: seconds without any success after which a throttled call fails. Every method that waits
    raises CancelledError soon after `cancelled` says so.
    """

    def __init__(
        self,
        *,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        concurrency: int = 64,
        patience: float = 60.0,
        clock: Callable[[], float] = monotonic,
        sleep: Callable[[float], None] = sleep,
    ) -> None:
        self.concurrency = concurrency
        self._pace = Pace(
            requests_per_second=requests_per_minute / _MINUTE if requests_per_minute else inf,
            tokens_per_second=tokens_per_minute / _MINUTE if tokens_per_minute else inf,
        )
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._room = BoundedSemaphore(concurrency)
        self._turn = Lock()
        self._pacing = Lock()
        self._last_success = -inf

    def now(self) -> float:
        return self._clock()

    @contextmanager
    def room(self, cancelled: Cancelled) -> Iterator[None]:
        """Room for one call, its repetitions included."""
        with _held(self._room, cancelled):
            yield

    def admit(self, tokens: int, cancelled: Cancelled = never) -> float:
        """Waits until a request may be sent; the time at which it is.

        One thread waits for the rate, the others for their turn: all wake where rate or pause change.
        """
        with _held(self._turn, cancelled):
            while (delay := self._take(tokens)) > 0:
                self.wait(min(delay, _SLICE), cancelled)
            return self._clock()

    def admit_first(self, tokens: int, cancelled: Cancelled = never) -> float:
        """The same without a turn: somebody waits for the answer. Those who wait in turn wait longer."""
        while (delay := self._take_first(tokens)) > 0:
            self.wait(min(delay, _SLICE), cancelled)
        return self._clock()

    def succeeded(self) -> None:
        with self._pacing:
            self._last_success = self._clock()
            self._pace.succeeded(self._last_success)

    def throttled(self, *, sent_at: float, retry_after: float | None) -> None:
        with self._pacing:
            self._pace.throttled(self._clock(), sent_at=sent_at, retry_after=retry_after)

    def out_of_patience(self, *, since: float, retry_after: float | None) -> bool:
        """Whether a call that is throttled `since` then must fail, or would once it has waited as asked."""
        return self._clock() + (retry_after or 0.0) - max(since, self._last_success) > self._patience

    def wait(self, seconds: float, cancelled: Cancelled) -> None:
        end = self._clock() + seconds
        while not cancelled():
            left = end - self._clock()
            if left <= 0:
                return
            self._sleep(min(left, _SLICE))
        raise CancelledError

    def _take(self, tokens: int) -> float:
        """Takes what one request needs and says 0, or says how long to wait."""
        with self._pacing:
            now = self._clock()
            delay = self._pace.delay(now, tokens)
            if delay <= 0:
                self._pace.sent(now, tokens)
            return delay

    def _take_first(self, tokens: int) -> float:
        with self._pacing:
            now = self._clock()
            delay = self._pace.pause(now)
            if delay <= 0:
                self._pace.sent(now, tokens)
            return delay


@contextmanager
def _held(lock: "Lock | BoundedSemaphore", cancelled: Cancelled) -> Iterator[None]:
    while True:
        if cancelled():
            raise CancelledError
        if lock.acquire(timeout=_SLICE):
            break
    try:
        yield
    finally:
        lock.release()
