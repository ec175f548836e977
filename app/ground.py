"""A generator's stream with its claims verified as they come, and what became of it in the end."""

import time
from collections.abc import Generator as Coroutine
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar

from app import abstention
from app.cite import cite, unsupported
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
class Withdrawn:
    """What was said so far is not to be shown: nothing in the documents proves it."""


GroundEvent: TypeAlias = TextDelta | Citation | Withdrawn


@dataclass(frozen=True, kw_only=True)
class Grounded:
    """`text` is what was streamed after the last withdrawal. `model` where a fallback answered."""

    status: AnswerStatus
    text: str
    citations: tuple[Citation, ...] = ()
    unsupported: tuple[Span, ...] = ()
    usage: Usage = field(default_factory=Usage)
    model: str | None = None
    generate_ms: float = 0.0


def ground(generator: Generator, prompt: Prompt, language: str) -> Coroutine[GroundEvent, None, Grounded]:
    """Yields text as the model writes it and citations as they are verified; returns the outcome.

    Text without one verified citation is withdrawn. Without passages the generator is not asked at all.
    """
    if not prompt.passages:
        return (
            yield from _say(AnswerStatus.INSUFFICIENT_EVIDENCE, abstention.insufficient_evidence(language))
        )
    started = time.perf_counter()
    draft = _Draft(prompt)
    with closing(generator.generate(prompt)) as events:
        yield from draft.read(events)
    outcome = yield from _conclude(draft, language)
    return replace(
        outcome,
        usage=draft.completed.usage,
        model=draft.completed.model,
        generate_ms=round((time.perf_counter() - started) * 1000, 3),
    )


def _conclude(draft: "_Draft", language: str) -> Coroutine[GroundEvent, None, Grounded]:
    if not draft.supported:
        if draft.text:
            yield Withdrawn()
        return (yield from _say(*_abstention(draft.completed, language)))
    return Grounded(
        status=AnswerStatus.REFUSED if draft.completed.refused else AnswerStatus.ANSWERED,
        text=draft.text,
        citations=tuple(draft.citations),
        unsupported=unsupported(draft.text, draft.citations),
    )


def _abstention(completed: Completed, language: str) -> tuple[AnswerStatus, str]:
    """Why there is no answer, as a status and in words."""
    if completed.refused:
        return AnswerStatus.REFUSED, abstention.refused(language)
    if completed.distrusted:
        return AnswerStatus.INSUFFICIENT_EVIDENCE, abstention.distrusted(language)
    return AnswerStatus.INSUFFICIENT_EVIDENCE, abstention.insufficient_evidence(language)


def _say(status: AnswerStatus, text: str) -> Coroutine[GroundEvent, None, Grounded]:
    yield TextDelta(text=text)
    return Grounded(status=status, text=text)


class _Draft:
    """What the generator has said so far."""

    def __init__(self, prompt: Prompt) -> None:
        self._passages = prompt.passages
        self.text = ""
        self.citations: list[Citation] = []
        self.completed = Completed()

    @property
    def supported(self) -> bool:
        return bool(self.citations) and INSUFFICIENT_EVIDENCE not in self.text

    def read(self, events: Iterable[GenerationEvent]) -> Iterator[TextDelta | Citation]:
        complete = False
        for event in events:
            if isinstance(event, Completed):
                self.completed, complete = event, True
            elif isinstance(event, Claim):
                yield from self._verified(event)
            else:
                self.text += event.text
                yield event
        if not complete:
            raise ModelResponseInvalid("The model's output broke off before its end.")

    def _verified(self, claim: Claim) -> Iterator[Citation]:
        citation = cite(claim, self._passages, self.text)
        if citation is not None and citation not in self.citations:
            self.citations.append(citation)
            yield citation


@contextmanager
def closing(events: Iterator[T]) -> Iterator[Iterator[T]]:
    """Ends the model's stream with its reader: an abandoned one would go on and cost."""
    try:
        yield events
    finally:
        close = getattr(events, "close", None)
        if close is not None:
            close()
