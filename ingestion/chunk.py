"""Cuts an extracted text into chunks along its structure, each an exact span of it.

A heading begins a new chunk as soon as the chunk has body text, so that a chunk is of one section;
only a short introduction stays with the first section under it, where both fit into one chunk.
Headings, header rows and lines ending with a colon are never the last of a chunk that goes on.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from ingestion.pack import pack
from ingestion.sections import Limits, sections
from ingestion.units import CountTokens, Unit, counted_units
from rag.domain.content import Chunk, ExtractedText
from rag.domain.documents import Chunking, ChunkingStrategy

# Raised whenever the same text may be cut otherwise.
CHUNKER_VERSION = 4

_MOST_OVERLAP = 0.5
# Of the limit, where a section is longer: room to end with a paragraph instead of in the midst of the next.
_WANTED = 0.6


def chunk(
    extracted: ExtractedText,
    chunking: Chunking,
    *,
    most_tokens: int,
    count_tokens: CountTokens,
    header: str | None = None,
) -> Iterator[Chunk]:
    """Chunks of at most `most_tokens`, and of at most `chunking.max_tokens` where the recursive rule cuts.

    Tokens are the sum of those of a chunk's sentences, each counted alone. With an overlap a chunk begins
    with the last whole sentences of the one before, within its section, page or row; without, every
    character but white space is in exactly one chunk. `header` names the columns of the table that the text
    begins in the middle of.
    """
    size = min(chunking.max_tokens, most_tokens)
    overlap = min(chunking.overlap_tokens, int(size * _MOST_OVERLAP))
    limits = Limits(recursive=max(1, size - overlap), whole=most_tokens)
    pages = extracted.page_starts
    by_page = chunking.strategy is ChunkingStrategy.PAGE
    units = counted_units(extracted, limits.recursive, count_tokens, header=header, within_pages=by_page)
    path: list[tuple[int, str]] = []
    ordinal = 0
    for section, limit in sections(units, chunking.strategy, limits, pages):
        _follow(path, _opening_headings(section), extracted.text)
        tokens, cuts = [unit.tokens for unit in section], [unit.cut for unit in section]
        for first, last in pack(tokens, cuts, limit, wanted=_WANTED):
            start = _overlap_start(section, first, overlap)
            headings = tuple(heading for _, heading in path)
            yield _chunk(extracted, section[start:last], ordinal=ordinal, headings=headings)
            ordinal += 1
        _follow(path, [unit for unit in section if unit.level], extracted.text)


def _opening_headings(section: Sequence[Unit]) -> list[Unit]:
    """The headings above the section's first body text."""
    count = next((index for index, unit in enumerate(section) if not unit.level), len(section))
    return list(section[:count])


def _follow(path: list[tuple[int, str]], headings: Iterable[Unit], text: str) -> None:
    for heading in headings:
        while path and path[-1][0] >= heading.level:
            path.pop()
        path.append((heading.level, " ".join(text[heading.start : heading.end].split())))


def _overlap_start(section: Sequence[Unit], first: int, overlap: int) -> int:
    """The first unit of the chunk whose own units begin at `first`."""
    tokens = 0
    while first > 0 and not section[first - 1].level:
        tokens += section[first - 1].tokens
        if tokens > overlap:
            break
        first -= 1
    return first


def _chunk(
    extracted: ExtractedText, units: Sequence[Unit], *, ordinal: int, headings: tuple[str, ...]
) -> Chunk:
    start, end = units[0].start, units[-1].end
    pages = extracted.page_starts
    page = bisect_right(pages, start)
    header = units[0].header
    return Chunk(
        ordinal=ordinal,
        start=start,
        end=end,
        text=extracted.text[start:end],
        page=page if pages else None,
        page_breaks=tuple(pages[page : bisect_right(pages, end - 1)]),
        headings=(*headings, header) if header else headings,
    )
