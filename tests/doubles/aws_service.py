"""What the fakes of AWS services share: quotas, planned replies, faults, statistics, error bodies."""

import json
from abc import abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from time import monotonic
from typing import Final

from tests.doubles.aws_http import HttpService, Reply, Request

_RECORDED: Final = 20_000


def failure(status: int, code: str, message: str, *, retry_after: str | None = None) -> Reply:
    """An error as Bedrock words it."""
    headers = {"x-amzn-ErrorType": f"{code}:http://internal.amazon.com/coral/com.amazon.bedrock/"}
    if retry_after is not None:
        headers["Retry-After"] = retry_after
    return Reply(status=status, body=json.dumps({"message": message}).encode(), headers=headers)


def throttling(message: str = "Too many requests", *, retry_after: str | None = None) -> Reply:
    return failure(
        429,
        "ThrottlingException",
        f"{message}, please wait before trying again.",
        retry_after=retry_after,
    )


@dataclass(kw_only=True)
class Behaviour:
    """What may be changed while the server runs.

    `burst_seconds`: how much unused quota is kept. `fault` is asked with the number of each request and
    may give a reply to send instead of the truth.
    """

    latency: float = 0.0
    requests_per_second: float | None = None
    tokens_per_second: float | None = None
    burst_seconds: float = 0.1
    retry_after: str | None = None
    fault: Callable[[int], Reply | None] | None = None


@dataclass(kw_only=True)
class Tokens:
    """What a generative model is paid for; `input` without what was read from or written to a cache."""

    calls: int = 0
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0


@dataclass(kw_only=True)
class Statistics:
    """`abandoned`: clients that went away before their reply was complete; `pieces`: of streams, sent."""

    requests: int = 0
    answered: int = 0
    throttled: int = 0
    failed: int = 0
    abandoned: int = 0
    pieces: int = 0
    tokens: dict[str, Tokens] = field(default_factory=dict)

    def tokens_of(self, model: str) -> Tokens:
        return self.tokens.setdefault(model, Tokens())


class Bucket:
    """Unused quota; a request larger than the bucket passes when it is full."""

    def __init__(self) -> None:
        self._level = float("inf")
        self._since = monotonic()

    def take(self, amount: float, rate: float | None, burst_seconds: float) -> bool:
        if rate is None:
            return True
        now, capacity = monotonic(), max(1.0, rate * burst_seconds)
        self._level = min(capacity, self._level + (now - self._since) * rate)
        self._since = now
        if self._level < min(amount, capacity):
            return False
        self._level -= amount
        return True


class AwsService(HttpService):
    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.planned: deque[Reply | None] = deque()
        self.requests: deque[Request] = deque(maxlen=_RECORDED)
        self.statistics = Statistics()
        self._request_bucket = Bucket()
        self._token_bucket = Bucket()

    @abstractmethod
    def truth(self, request: Request) -> Reply: ...

    def reply(self, request: Request) -> Reply:
        latency = self.behaviour.latency
        if request.path == "/statistics":
            return Reply(body=json.dumps(asdict(self.statistics)).encode(), delay=latency)
        self.requests.append(request)
        self.statistics.requests += 1
        reply = self._instead() or self.truth(request)
        self._count(reply)
        return replace(reply, delay=reply.delay + latency)

    def piece_sent(self) -> None:
        self.statistics.pieces += 1

    def abandoned(self) -> None:
        self.statistics.abandoned += 1

    def request_refused(self) -> Reply | None:
        """The throttling where the quota of requests is used up."""
        behaviour = self.behaviour
        if self._request_bucket.take(1, behaviour.requests_per_second, behaviour.burst_seconds):
            return None
        return throttling(retry_after=behaviour.retry_after)

    def tokens_refused(self, tokens: int) -> Reply | None:
        """The throttling where the quota of tokens is used up."""
        behaviour = self.behaviour
        if self._token_bucket.take(tokens, behaviour.tokens_per_second, 1.0):
            return None
        return throttling("Too many tokens", retry_after=behaviour.retry_after)

    def _instead(self) -> Reply | None:
        if self.planned:
            return self.planned.popleft()
        fault = self.behaviour.fault
        return fault(self.statistics.requests) if fault else None

    def _count(self, reply: Reply) -> None:
        self.statistics.answered += reply.status == 200 and not reply.hang_up
        is_throttled = "Throttling" in reply.headers.get("x-amzn-ErrorType", "")
        self.statistics.throttled += reply.status == 429 or is_throttled
        self.statistics.failed += reply.status >= 500 or reply.hang_up
