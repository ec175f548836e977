"""Chunks to embedded chunks: known vectors are found again, the rest is embedded and staged as it comes."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

from ingestion.analysis import AnalysedChunk, text_in_context
from rag.domain.content import EmbeddedChunk, Vector
from rag.ports import Embedder

# Chunks looked up at once among the vectors already paid for.
LOOK_UP = 64

Stage = Callable[[Sequence[EmbeddedChunk]], None]
Known = Callable[[Sequence[bytes]], Mapping[bytes, Vector]]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Prepared:
    item: AnalysedChunk
    text: str
    sha256: bytes


class Embedding:
    """One document's chunks on their way to the store.

    `stage` is called with whatever is embedded by then, and with nothing at least every few seconds:
    a crash loses only the calls in flight. It runs in the caller's thread, as `known` does.
    """

    def __init__(self, embedder: Embedder, *, known: Known, stage: Stage) -> None:
        self._embedder = embedder
        self._known = known
        self._stage = stage
        self._asked: dict[int, bytes] = {}
        self._asked_count = 0
        self._waiting: dict[bytes, list[_Prepared]] = {}
        # Texts whose vectors the model gave by now.
        self.finished = 0

    def run(self, chunks: Iterable[AnalysedChunk]) -> int:
        """Embeds and stages them all; returns how many there were."""
        prepared = _Counted(map(_prepare, chunks))
        with closing(self._embedder.embed_stream(self._missing(prepared))) as stream:
            for vectors in stream:
                self._stage([each for number, vector in vectors for each in self._finish(number, vector)])
        return prepared.count

    def _missing(self, prepared: Iterator[_Prepared]) -> Iterator[str]:
        """The texts whose vectors are nowhere yet; the others are staged on the way."""
        while batch := list(islice(prepared, LOOK_UP)):
            known = self._known([item.sha256 for item in batch])
            if found := [item for item in batch if item.sha256 in known]:
                self._stage([_embedded(item, known[item.sha256]) for item in found])
            for item in batch:
                if item.sha256 not in known and self._await(item):
                    yield item.text

    def _await(self, item: _Prepared) -> bool:
        """Whether its text must be embedded: the same text may be on its way already."""
        waiting = self._waiting.setdefault(item.sha256, [])
        waiting.append(item)
        if len(waiting) > 1:
            return False
        self._asked[self._asked_count] = item.sha256
        self._asked_count += 1
        return True

    def _finish(self, number: int, vector: Vector) -> list[EmbeddedChunk]:
        self.finished += 1
        return [_embedded(item, vector) for item in self._waiting.pop(self._asked.pop(number))]


class _Counted(Iterator[_Prepared]):
    def __init__(self, items: Iterable[_Prepared]) -> None:
        self._items = iter(items)
        self.count = 0

    def __next__(self) -> _Prepared:
        item = next(self._items)
        self.count += 1
        return item


def _prepare(item: AnalysedChunk) -> _Prepared:
    text = text_in_context(item.chunk.text, item.context)
    return _Prepared(item=item, text=text, sha256=hashlib.sha256(text.encode()).digest())


def _embedded(prepared: _Prepared, vector: Vector) -> EmbeddedChunk:
    return EmbeddedChunk(
        chunk=prepared.item.chunk,
        context=prepared.item.context,
        terms=prepared.item.terms,
        embedded_sha256=prepared.sha256,
        embedding=vector,
    )
