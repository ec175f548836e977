"""One call of a Bedrock model, made again while it is throttled or fails in passing."""

from collections.abc import Callable
from concurrent.futures import CancelledError
from random import SystemRandom
from typing import Any, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from rag.adapters.bedrock.errors import MalformedAnswer, QuotaUsedUp, translated
from rag.adapters.bedrock.limiter import Cancelled, Limiter
from rag.errors import ModelUnavailable, Throttled
from rag.telemetry import Metric, measure

Answer = TypeVar("Answer")
Parse = Callable[[bytes], Answer]
_Admit = Callable[[int, Cancelled], float]

_RETRIES: Final = 3
_FIRST_BACKOFF: Final = 0.5
_QUERY_SECONDS: Final = 15.0

_jitter = SystemRandom()


class ModelInvoker:
    """`client` is a boto3 client of bedrock-runtime. `parse` raises MalformedAnswer to ask again."""

    def __init__(self, client: Any, model_id: str, limiter: Limiter) -> None:
        self._client = client
        self._model_id = model_id
        self._limiter = limiter

    def invoke(self, body: bytes, parse: Parse[Answer], *, tokens: int, cancelled: Cancelled) -> Answer:
        """Takes its turn among the other calls."""
        with self._limiter.room(cancelled):
            return self._repeat(body, parse, tokens, cancelled, self._limiter.admit)

    def invoke_first(self, body: bytes, parse: Parse[Answer], *, tokens: int) -> Answer:
        """Before the calls that wait for their turn, and not for long: somebody waits for the answer."""
        end = self._limiter.now() + _QUERY_SECONDS
        try:
            return self._repeat(
                body, parse, tokens, lambda: self._limiter.now() > end, self._limiter.admit_first
            )
        except CancelledError as error:
            raise Throttled(f"Bedrock gave no answer within {_QUERY_SECONDS:g} seconds") from error

    def _repeat(
        self, body: bytes, parse: Parse[Answer], tokens: int, cancelled: Cancelled, admit: _Admit
    ) -> Answer:
        limiter, began, failures = self._limiter, self._limiter.now(), 0
        while True:
            sent_at = admit(tokens, cancelled)
            try:
                answer = parse(self._send(body))
            except QuotaUsedUp as failure:
                measure({Metric.THROTTLES: 1})
                limiter.throttled(sent_at=sent_at, retry_after=failure.retry_after)
                if limiter.out_of_patience(since=began, retry_after=failure.retry_after):
                    raise
            except (MalformedAnswer, ModelUnavailable):
                failures += 1
                if failures > _RETRIES:
                    raise
                limiter.wait(_jitter.uniform(0, _FIRST_BACKOFF * 2**failures), cancelled)
            else:
                limiter.succeeded()
                return answer

    def _send(self, body: bytes) -> bytes:
        try:
            response = self._client.invoke_model(
                modelId=self._model_id,
                body=body,
                contentType="application/json",
                accept="application/json",
            )
            answer: bytes = response["body"].read()
        except (BotoCoreError, ClientError) as error:
            if (failure := translated(error)) is None:
                raise
            raise failure from error
        return answer
