"""The chunks of a text that comes in parts: each is of one part, and knows its table's header."""

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from typing import TypeAlias

from ingestion.analysis import AnalysedChunk, ChunkPlan
from rag.domain.content import ExtractedText
from rag.domain.documents import ChunkingStrategy

# Of one part; returns the header of the table that the part ends in the middle of.
Cut: TypeAlias = Callable[[ExtractedText, ChunkPlan], Generator[AnalysedChunk, None, str | None]]


def chunk_parts(parts: Iterable[ExtractedText], plan: ChunkPlan, cut: Cut) -> Iterator[AnalysedChunk]:
    """A text in several parts is too large to be one chunk: none of its later parts is one."""
    ordinal = start = 0
    for part in parts:
        ordinal, header = yield from _shifted(cut(part, plan), ordinal, start)
        start += len(part.text)
        plan = replace(plan, header=header)
        if plan.chunking.strategy is ChunkingStrategy.WHOLE:
            plan = replace(plan, chunking=replace(plan.chunking, strategy=ChunkingStrategy.RECURSIVE))


def _shifted(
    found: Generator[AnalysedChunk, None, str | None], ordinal: int, start: int
) -> Generator[AnalysedChunk, None, tuple[int, str | None]]:
    while True:
        try:
            item = next(found)
        except StopIteration as end:
            return ordinal, end.value
        chunk = item.chunk
        moved = replace(chunk, ordinal=ordinal, start=chunk.start + start, end=chunk.end + start)
        yield replace(item, chunk=moved) if start else item
        ordinal += 1
