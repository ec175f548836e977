"""What is computed of a chunk's text before it is embedded, in the process that reads files."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rag.domain.content import Chunk
from rag.domain.documents import Chunking
from rag.text.term_codes import counted_codes
from rag.text.terms import analyse


@dataclass(frozen=True, kw_only=True)
class ChunkPlan:
    """How a part of a text is cut. `header`: of the table that it begins in the middle of."""

    chunking: Chunking
    most_tokens: int
    title: str | None
    language: str
    header: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AnalysedChunk:
    """`terms` are those of text and context, as codes with their counts."""

    chunk: Chunk
    context: str
    terms: Sequence[int]


def analysed(chunks: Iterable[Chunk], title: str | None, language: str) -> Iterator[AnalysedChunk]:
    for chunk in chunks:
        context = context_of(chunk.text, chunk.headings, title)
        terms = counted_codes(Counter(analyse(text_in_context(chunk.text, context), language)))
        yield AnalysedChunk(chunk=chunk, context=context, terms=terms)


def context_of(text: str, headings: Sequence[str], title: str | None) -> str:
    """Title and heading path, as far as the chunk's text does not say them itself."""
    path = dict.fromkeys(part for part in (title, *headings) if part)
    return " › ".join(part for part in path if part not in text)


def text_in_context(text: str, context: str) -> str:
    """What is embedded."""
    return f"{context}\n\n{text}" if context else text
