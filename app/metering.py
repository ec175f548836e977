"""A generator whose tokens are counted for a tenant."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from app.ground import closing
from rag.domain.answers import Completed, GenerationEvent, GenerativeModel, Prompt
from rag.ports import Generator
from rag.telemetry import Metric, measure


@dataclass(frozen=True, kw_only=True)
class MeteredGenerator:
    """What a model does not report, because its reader left before the end, is not counted."""

    inner: Generator
    count: Callable[[int], None]

    @property
    def model(self) -> GenerativeModel:
        return self.inner.model

    def generate(self, prompt: Prompt) -> Iterator[GenerationEvent]:
        with closing(self.inner.generate(prompt)) as events:
            for event in events:
                if isinstance(event, Completed):
                    self._count(event)
                yield event

    def _count(self, completed: Completed) -> None:
        read, written = completed.usage.input_tokens, completed.usage.output_tokens
        if read + written:
            self.count(read + written)
            measure({Metric.INPUT_TOKENS: read, Metric.OUTPUT_TOKENS: written})
