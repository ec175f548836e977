"""Passages scored for prompt injection by InvokeGuardrailChecks."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from rag.adapters.bedrock.errors import MalformedAnswer, translated
from rag.adapters.model_client import model_client
from rag.adapters.retry import with_retries

_CHECKS: Final = {"promptAttack": {"categories": [{"category": "PROMPT_INJECTION"}]}}
_THREADS: Final = 8
_READ_SECONDS: Final = 10
# ApplyGuardrail takes 25 text units of 1,000 characters; that this call takes as many is not verified.
# What lies on a border is seen by both sides.
_PIECE: Final = 20_000
_OVERLAP: Final = 1_000


class BedrockGuard:
    """`threshold`: the score, from 0 to 1, from which a text is suspicious."""

    def __init__(self, *, threshold: float = 0.5, client: Any | None = None) -> None:
        self._threshold = threshold
        self._client = client or model_client(
            "bedrock-runtime", "Bedrock", read_seconds=_READ_SECONDS, connections=_THREADS
        )

    def suspicious(self, texts: Sequence[str]) -> tuple[bool, ...]:
        """A call for every text: the score is of a whole call."""
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="guard") as pool:
            return tuple(pool.map(self._is_suspicious, texts))

    def close(self) -> None:
        self._client.close()

    def _is_suspicious(self, text: str) -> bool:
        return any(self._score(piece) >= self._threshold for piece in _pieces(text))

    def _score(self, text: str) -> float:
        answer = with_retries(lambda: self._check(text))
        try:
            scores = [float(entry["severityScore"]) for entry in answer["results"]["promptAttack"]["results"]]
            return max(scores)
        except (KeyError, TypeError, ValueError) as error:
            raise MalformedAnswer(
                f"InvokeGuardrailChecks gave no score of prompt injection: {error!r}"
            ) from error

    def _check(self, text: str) -> Any:
        messages = [{"role": "user", "content": [{"text": text}]}]
        try:
            return self._client.invoke_guardrail_checks(messages=messages, checks=_CHECKS)
        except (BotoCoreError, ClientError) as error:
            if (failure := translated(error)) is None:
                raise
            raise failure from error


def _pieces(text: str) -> Iterator[str]:
    """None of a text without a word: an empty one is refused."""
    if not text.strip():
        return
    for start in range(0, max(1, len(text) - _OVERLAP), _PIECE - _OVERLAP):
        yield text[start : start + _PIECE]
