"""A generator that another one stands in for while its model cannot be had."""

from collections.abc import Generator as Coroutine
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from rag.domain.answers import Completed, GenerationEvent, GenerativeModel, Prompt
from rag.errors import AcervoError, Unavailable
from rag.ports import Generator
from rag.telemetry import logger


class FallbackGenerator:
    """The fallback answers where the primary is unavailable before it said anything, never after.

    The completed event names the fallback's model then. A fallback that only selects sentences stands in
    for grounded prompts alone. Where it fails too, its error is raised from the primary's.
    """

    def __init__(self, primary: Generator, fallback: Generator) -> None:
        self._primary = primary
        self._fallback = fallback

    @property
    def model(self) -> GenerativeModel:
        return self._primary.model

    def generate(self, prompt: Prompt) -> Coroutine[GenerationEvent, None, None]:
        with _closing(self._primary.generate(prompt)) as events:
            try:
                first = next(events, None)
            except Unavailable as error:
                failure = error
            else:
                if first is not None:
                    yield first
                yield from events
                return
        yield from self._instead(prompt, failure)

    def _instead(self, prompt: Prompt, failure: Unavailable) -> Coroutine[GenerationEvent, None, None]:
        model = self._fallback.model
        if not (model.generative or prompt.passages):
            raise failure
        logger.warning("%s is unavailable (%s); %s answers instead", self.model.id, failure, model.id)
        try:
            # The model that the prompt may name is one of the primary's.
            with _closing(self._fallback.generate(replace(prompt, model=None))) as events:
                yield from (_named(event, model) for event in events)
        except AcervoError as error:
            raise error from failure


def _named(event: GenerationEvent, model: GenerativeModel) -> GenerationEvent:
    return replace(event, model=event.model or model.id) if isinstance(event, Completed) else event


@contextmanager
def _closing(events: Iterator[GenerationEvent]) -> Iterator[Iterator[GenerationEvent]]:
    """Ends a model's stream with its reader: an abandoned one would go on and cost."""
    try:
        yield events
    finally:
        close = getattr(events, "close", None)
        if close is not None:
            close()
