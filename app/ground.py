"""A generator's stream, held back until its first citation is verified."""

import time
from collections.abc import Generator as Coroutine
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from app import abstention
from app.cite import verify
from rag.domain.answers import (
    AnswerStatus,
    Citation,
    Claim,
    Completed,
    GenerationEvent,
    Prompt,
    Span,
    TextDelta,
    Usage,
)
from rag.errors import ModelResponseInvalid
from rag.ports import Generator
from rag.text.markers import INSUFFICIENT_EVIDENCE

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Grounded:
    """`text` is exactly what was streamed."""

    status: AnswerStatus
    text: str
    citations: tuple[Citation, ...] = ()
    unsupported: tuple[Span, ...] = ()
    usage: Usage = field(default_factory=Usage)
    generate_ms: float = 0.0


def ground(generator: Generator, prompt: Prompt, language: str) -> Coroutine[TextDelta, None, Grounded]:
    """Yields the text that may be shown, and returns what became of it.

    Nothing is yielded before one citation is verified: no reader sees text that nothing supports.
    Without passages the generator is not asked at all.
    """
    if not prompt.passages:
        return (yield from _say(abstention.insufficient_evidence(language)))
    started = time.perf_counter()
    draft = _Draft(prompt)
    with closing(generator.generate(prompt)) as events:
        yield from draft.read(events)
    outcome = yield from _conclude(draft, language)
    return _timed(outcome, draft.completed.usage, started)


def _conclude(draft: "_Draft", language: str) -> Coroutine[TextDelta, None, Grounded]:
    if draft.completed.refused and not draft.shown:
        return (yield from _say(abstention.refused(language), AnswerStatus.REFUSED))
    if not draft.shown:
        return (yield from _say(abstention.insufficient_evidence(language)))
    citations, unsupported = verify(draft.claims, draft.prompt.passages, draft.text)
    status = AnswerStatus.REFUSED if draft.completed.refused else AnswerStatus.ANSWERED
    return Grounded(status=status, text=draft.text, citations=citations, unsupported=unsupported)


def _say(
    text: str, status: AnswerStatus = AnswerStatus.INSUFFICIENT_EVIDENCE
) -> Coroutine[TextDelta, None, Grounded]:
    yield TextDelta(text=text)
    return Grounded(status=status, text=text)


def _timed(outcome: Grounded, usage: Usage, started: float) -> Grounded:
    return Grounded(
        status=outcome.status,
        text=outcome.text,
        citations=outcome.citations,
        unsupported=outcome.unsupported,
        usage=usage,
        generate_ms=round((time.perf_counter() - started) * 1000, 3),
    )


class _Draft:
    """What the generator has said so far; `shown` once a citation is verified."""

    def __init__(self, prompt: Prompt) -> None:
        self.prompt = prompt
        self.text = ""
        self.claims: list[Claim] = []
        self.completed = Completed()
        self.shown = False

    def read(self, events: Iterable[GenerationEvent]) -> Iterator[TextDelta]:
        complete = False
        for event in events:
            if isinstance(event, Completed):
                self.completed, complete = event, True
            elif isinstance(event, Claim):
                yield from self._claim(event)
            else:
                yield from self._extend(event)
        if not complete:
            raise ModelResponseInvalid("The model's output broke off before its end.")

    def _extend(self, delta: TextDelta) -> Iterator[TextDelta]:
        self.text += delta.text
        if self.shown:
            yield delta

    def _claim(self, claim: Claim) -> Iterator[TextDelta]:
        self.claims.append(claim)
        if not self.shown and self._supports(claim):
            self.shown = True
            yield TextDelta(text=self.text)

    def _supports(self, claim: Claim) -> bool:
        citations, _ = verify([claim], self.prompt.passages, self.text)
        return bool(citations) and INSUFFICIENT_EVIDENCE not in self.text


@contextmanager
def closing(events: Iterator[T]) -> Iterator[Iterator[T]]:
    """Ends the model's stream with its reader: an abandoned one would go on and cost."""
    try:
        yield events
    finally:
        close = getattr(events, "close", None)
        if close is not None:
            close()
