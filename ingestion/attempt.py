"""One worker's attempt at a document: what it stages, as long as nobody overtook it and its time lasts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from rag.domain.content import EmbeddedChunk, ExtractedText, TextPart, Vector
from rag.domain.documents import Child, EmbeddingModel, Work
from rag.ports import Ledger

LEASE = timedelta(seconds=30)
# What a worker keeps of its time to hand its work back, seconds: calls in flight may take 20 to end.
RESERVE = 25.0

Remaining = Callable[[], float]


class Superseded(Exception):
    """A later event took this document over; nothing is left to do."""


class OutOfTime(Exception):
    """The worker must end; what is embedded is kept for the next one."""


@dataclass(frozen=True)
class Attempt:
    """The work in hand, and what this worker may still do about it."""

    ledger: Ledger
    work: Work
    remaining: Remaining

    def stage(self, ready: Sequence[EmbeddedChunk], language: str) -> None:
        if ready:
            self._go_on(alive=self.ledger.stage(self.work, ready, language, lease=LEASE))
        else:
            self.renew()

    def stage_text(self, part: TextPart) -> None:
        self._go_on(alive=self.ledger.stage_text(self.work, part, lease=LEASE))

    def add_vectors(self, model: EmbeddingModel, vectors: Mapping[str, Vector]) -> None:
        self._go_on(alive=self.ledger.add_vectors(self.work, model, vectors, lease=LEASE))

    def adopt(self, children: Sequence[Child]) -> None:
        if children:
            self._go_on(alive=self.ledger.adopt(self.work, children, lease=LEASE))

    def renew(self) -> None:
        self._go_on(alive=self.ledger.renew(self.work, LEASE))

    def _go_on(self, *, alive: bool) -> None:
        if not alive:
            raise Superseded
        if self.remaining() < RESERVE:
            raise OutOfTime


class Texts:
    """The parts of a text on their way to the store: each is staged when the next one comes."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self.last = TextPart(text="", number=-1)

    def noting(self, parts: Iterator[ExtractedText]) -> Iterator[ExtractedText]:
        for part in parts:
            if self.last.number >= 0:
                self._attempt.stage_text(self.last)
            self.last = TextPart(
                text=part.text,
                page_starts=part.page_starts,
                number=self.last.number + 1,
                start=self.last.end,
            )
            yield part
