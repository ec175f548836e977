"""Cuts an extracted text into chunks along its structure, each an exact span of it.

A heading begins a new chunk as soon as the chunk has body text, so that a chunk is of one section;
only a short introduction stays with the first section under it, where both fit into one chunk.
Headings, header rows and lines ending with a colon are never the last of a chunk that goes on.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ingestion.pack import pack
from ingestion.units import CountTokens, Unit, counted_units, last_header
from rag.domain.content import Chunk, ExtractedText

# Raised whenever the same text may be cut otherwise.
CHUNKER_VERSION = 2

_SHORT_INTRODUCTION = 0.25
_MOST_OVERLAP = 0.5


def chunk_parts(
    parts: Iterable[ExtractedText], *, max_tokens: int, overlap_tokens: int, count_tokens: CountTokens
) -> Iterator[Chunk]:
    """The chunks of a text that comes in parts; a chunk is of one part, and knows its table's header."""
    ordinal = start = 0
    header: str | None = None
    for part in parts:
        found = chunk(
            part,
            max_tokens=max_tokens,
            overlap_tokens=overlap_tokens,
            count_tokens=count_tokens,
            header=header,
        )
        for each in found if start == 0 else _shifted(found, ordinal, start):
            ordinal = each.ordinal + 1
            yield each
        header = last_header(part, header)
        start += len(part.text)


def _shifted(chunks: Iterator[Chunk], ordinal: int, start: int) -> Iterator[Chunk]:
    for each in chunks:
        yield replace(each, ordinal=each.ordinal + ordinal, start=each.start + start, end=each.end + start)


def chunk(
    extracted: ExtractedText,
    *,
    max_tokens: int,
    overlap_tokens: int,
    count_tokens: CountTokens,
    header: str | None = None,
) -> Iterator[Chunk]:
    """Chunks of at most `max_tokens` (as the sum of their sentences' tokens, each counted alone).

    With `overlap_tokens` a chunk begins with the last whole sentences of the one before, within its
    section; without, every character but white space is in exactly one chunk. `header` names the columns
    of the table that the text begins in the middle of.
    """
    overlap = min(overlap_tokens, int(max_tokens * _MOST_OVERLAP))
    own = max(1, max_tokens - overlap)
    units = counted_units(extracted, own, count_tokens, header=header)
    path: list[tuple[int, str]] = []
    ordinal = 0
    for section in _joined(_sections(units), own):
        _follow(path, _opening_headings(section), extracted.text)
        for first, last in pack([unit.tokens for unit in section], [unit.cut for unit in section], own):
            start = _overlap_start(section, first, overlap)
            headings = tuple(heading for _, heading in path)
            yield _chunk(extracted, section[start:last], ordinal=ordinal, headings=headings)
            ordinal += 1
        _follow(path, [unit for unit in section if unit.level], extracted.text)


def _sections(units: Iterable[Unit]) -> Iterator[list[Unit]]:
    """Headings with the body text up to the next heading."""
    section: list[Unit] = []
    for unit in units:
        if unit.level and section and not section[-1].level:
            yield section
            section = []
        section.append(unit)
    if section:
        yield section


def _joined(sections: Iterable[list[Unit]], limit: int) -> Iterator[list[Unit]]:
    """Joins a short introduction to the section under it where one chunk holds both."""
    held: list[Unit] = []
    for section in sections:
        if held and _is_introduction(held, section, limit):
            held = held + section
            continue
        if held:
            yield held
        held = section
    if held:
        yield held


def _is_introduction(held: Sequence[Unit], section: Sequence[Unit], limit: int) -> bool:
    before = _size(held)
    deepest = max(unit.level for unit in held)
    shallowest = min(unit.level for unit in section if unit.level)
    return before <= limit * _SHORT_INTRODUCTION and shallowest > deepest and before + _size(section) <= limit


def _size(units: Sequence[Unit]) -> int:
    return sum(unit.tokens for unit in units)


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
