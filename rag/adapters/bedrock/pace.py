"""How fast a model may be asked: at its quota, or at what its throttling lets through."""

from collections import deque
from math import inf, isinf
from typing import Final

# A cut goes to just below what the model lets through, but not deeper than this at once: while the rate
# rises, what was measured is behind it.
_CUT: Final = 0.95
_DEEPEST_CUT: Final = 0.8
_FIRST_GUESS: Final = 20.0
_SLOWEST: Final = 0.5
# What the model lets through is measured over this time, and over at least so many successes.
_WINDOW_SECONDS: Final = 2.0
_FEWEST_KEPT: Final = 10
_ENOUGH: Final = 5
_SHORTEST_SPAN: Final = 0.1
_IDLE_SECONDS: Final = 1.0
# A smaller lack is rounding; waiting for it might not move the clock.
_ROUNDING: Final = 1e-6
# The rate doubles in a second up to where it was before an outage; then it grows by this share of the
# last cut a second, by twice the share after each five seconds without throttling.
_NEAR: Final = 0.9
_GROWTH: Final = 0.02
_GROWTH_DOUBLES_AFTER: Final = 5.0
_COST_OF_A_PAUSE: Final = 10.0
_DEAREST_PAUSE: Final = 30.0
_UNLIMITED: Final = 10_000.0


class Pace:
    """Additive increase, multiplicative decrease on the request rate, in requests a second.

    `now` is any monotonic clock's seconds. Not for several threads at once.
    """

    def __init__(self, *, requests_per_second: float = inf, tokens_per_second: float = inf) -> None:
        self._quota = requests_per_second
        self._requests = _Bucket(requests_per_second, burst_seconds=0.1)
        self._tokens = _Bucket(tokens_per_second, burst_seconds=1.0)
        self._paused_until = -inf
        self._last_sent = -inf
        self._cut_at = -inf
        self._cut_to = inf
        self._success_since_cut = False
        self._sustained = inf
        self._calm = 0.0
        self._grown_at = -inf
        self._successes: deque[float] = deque()

    @property
    def rate(self) -> float:
        """Requests a second; infinite until something is known."""
        return self._requests.rate

    def delay(self, now: float, tokens: int) -> float:
        """Seconds after which a request may be sent; 0: now."""
        return max(self.pause(now), self._requests.delay(now, 1), self._tokens.delay(now, tokens))

    def pause(self, now: float) -> float:
        """What is left of the time the model asked for."""
        return max(0.0, self._paused_until - now)

    def sent(self, now: float, tokens: int) -> None:
        if now - self._last_sent > max(_IDLE_SECONDS, 3 / self.rate):
            # What was let through while little was asked for says nothing of the quota.
            self._successes.clear()
        self._last_sent = now
        self._requests.take(now, 1)
        self._tokens.take(now, tokens)

    def succeeded(self, now: float) -> None:
        self._successes.append(now)
        while len(self._successes) > _FEWEST_KEPT and now - self._successes[0] > _WINDOW_SECONDS:
            self._successes.popleft()
        self._success_since_cut = True
        if self.rate < self._quota:
            self._grow(now)

    def throttled(self, now: float, *, sent_at: float, retry_after: float | None = None) -> None:
        """One cut a round trip: what was sent before the last cut says nothing of the present rate."""
        if sent_at > self._cut_at:
            self._cut(now)
            # The dearer a throttled request is, the later the next try.
            self._calm = -min(_COST_OF_A_PAUSE * (retry_after or 0.0), _DEAREST_PAUSE)
        if retry_after is not None:
            self._pause_until(max(now + retry_after, self._paused_until), now)

    def _pause_until(self, end: float, now: float) -> None:
        """Nothing is sent until then; the time counts neither for what is measured nor for growth."""
        added = end - max(now, self._paused_until)
        self._paused_until = self._last_sent = self._grown_at = end
        self._successes = deque(at + added for at in self._successes)

    def _grow(self, now: float) -> None:
        elapsed = min(max(0.0, now - self._grown_at), _IDLE_SECONDS)
        self._grown_at = max(now, self._grown_at)
        self._calm += elapsed
        if self.rate < _NEAR * self._sustained:
            grown = self.rate * 2**elapsed
        else:
            share = _GROWTH * 2 ** (self._calm / _GROWTH_DOUBLES_AFTER)
            grown = self.rate + elapsed * share * self._cut_to
        self._requests.change(now, min(self._quota, grown if grown < _UNLIMITED else inf))

    def _cut(self, now: float) -> None:
        measured = self._measured(now)
        if measured and self._success_since_cut:
            self._sustained = measured
        self._cut_to = min(self.rate, max(self._endurable(measured), min(_SLOWEST, self._quota)))
        self._requests.change(now, self._cut_to)
        self._requests.give_back_half()
        self._cut_at = self._grown_at = now
        self._success_since_cut = False

    def _measured(self, now: float) -> float:
        """Successes a second; 0 where there were too few to tell."""
        count = len(self._successes)
        return count / max(now - self._successes[0], _SHORTEST_SPAN) if count >= _ENOUGH else 0.0

    def _endurable(self, measured: float) -> float:
        """A rate that the model should let through."""
        if isinf(self.rate):
            return _CUT * measured or _FIRST_GUESS
        return max(_CUT * measured, _DEEPEST_CUT * self.rate)


class _Bucket:
    """Unused rate of the last `burst_seconds`; a larger amount passes when it is full, and is owed."""

    def __init__(self, rate: float, *, burst_seconds: float) -> None:
        self.rate = rate
        self._burst_seconds = burst_seconds
        self._level = self._capacity
        self._filled_at = -inf

    @property
    def _capacity(self) -> float:
        return max(1.0, self.rate * self._burst_seconds)

    def delay(self, now: float, amount: float) -> float:
        if isinf(self.rate):
            return 0.0
        self._fill(now)
        lacking = min(amount, self._capacity) - self._level
        return lacking / self.rate if lacking > _ROUNDING else 0.0

    def take(self, now: float, amount: float) -> None:
        if not isinf(self.rate):
            self._fill(now)
            self._level -= amount

    def change(self, now: float, rate: float) -> None:
        if isinf(self.rate):
            self._level, self._filled_at = 0.0, now
        self._fill(now)
        self.rate = rate

    def give_back_half(self) -> None:
        """A refused request took nothing of the quota: the next comes after half the time."""
        self._level = min(self._level, 0.0) + 0.5

    def _fill(self, now: float) -> None:
        filled = self._level + (now - self._filled_at) * self.rate
        self._level = min(self._capacity, filled)
        self._filled_at = now
