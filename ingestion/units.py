"""The pieces that a chunk is made of: headings, sentences, list items, table rows, lines of code."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import islice, pairwise

from ingestion.pack import pack
from rag.domain.content import Block, BlockKind, ExtractedText
from rag.text.references import REFERENCE
from rag.text.sentences import sentence_spans

CountTokens = Callable[[Sequence[str]], list[int]]

_BATCH = 1_000
_WIDE_SPACE = re.compile(r"[^\S ]\s*|\s{2,}")
_LINE = re.compile(r"[^\n]*\S[^\n]*")
_PARAGRAPH = re.compile(r"\S(?:[^\n]|\n(?!\s*\n))*")
# Cut inside one of these only where it is longer than a chunk: a character of a script written without
# spaces, any other run of characters that are not white space.
_IDEOGRAPH = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"
_WORD = re.compile(rf"[{_IDEOGRAPH}]|[^\s{_IDEOGRAPH}]+")


class Cut(IntEnum):
    """How well a chunk may end after a unit."""

    NEVER = 0  # a heading, a table's header row, a line that announces a list
    WORD = 1
    CLAUSE = 2
    SENTENCE = 3
    BLOCK = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """`level` is a heading's, 0 for body text. `header` is the row above that names the columns.

    `row` is the offset at which the table row begins that the unit is or is part of; None for a header row.
    """

    start: int
    end: int
    cut: Cut
    level: int = 0
    header: str | None = None
    row: int | None = None
    tokens: int = 0


def counted_units(
    extracted: ExtractedText,
    max_tokens: int,
    count_tokens: CountTokens,
    *,
    header: str | None = None,
    within_pages: bool = False,
) -> Iterator[Unit]:
    """All units in order, none of more than `max_tokens`, each counted once, in batches.

    `header`: of the table that the text begins in the middle of. `within_pages`: none goes on over the end
    of a page.

    Counting every candidate chunk exactly costs a hundred times as much as adding up its units.
    """
    counter = _Counter(extracted.text, count_tokens)
    stream = _units(extracted, _paged(extracted) if within_pages else _complete(extracted), header)
    leading = 0
    while batch := list(islice(stream, _BATCH)):
        for unit in counter.counted(batch):
            for piece in counter.fitting(unit, max_tokens - leading):
                yield piece
                leading = _leading(piece, leading, max_tokens)


def _leading(unit: Unit, before: int, max_tokens: int) -> int:
    """The tokens of the headings that must share a chunk with what follows; 0 where they fill half of it."""
    total = before + unit.tokens if unit.cut is Cut.NEVER else 0
    return total if total <= max_tokens // 2 else 0


class _Counter:
    def __init__(self, text: str, count_tokens: CountTokens) -> None:
        self._text = text
        self._count_tokens = count_tokens

    def counted(self, units: Sequence[Unit]) -> list[Unit]:
        found: list[Unit] = []
        for first in range(0, len(units), _BATCH):
            batch = units[first : first + _BATCH]
            counts = self._count_tokens([self._with_space(unit) for unit in batch])
            found += [replace(unit, tokens=max(count, 1)) for unit, count in zip(batch, counts, strict=True)]
        return found

    def _with_space(self, unit: Unit) -> str:
        """The unit's text and the line breaks or wide space after it, which are tokens of a chunk too."""
        space = _WIDE_SPACE.match(self._text, unit.end)
        return self._text[unit.start : space.end() if space else unit.end]

    def fitting(self, unit: Unit, max_tokens: int) -> Iterator[Unit]:
        """The unit, or the parts it must be cut into: at sentences, clauses, words, inside words."""
        if unit.tokens <= max_tokens:
            yield unit
            return
        for parts in (self._sentences(unit), self._phrases(unit), self._words(unit)):
            if len(parts) > 1:
                small = [piece for part in self.counted(parts) for piece in self.fitting(part, max_tokens)]
                yield from _packed(small, unit, max_tokens)
                return
        yield from self._halves(unit, max_tokens)

    def _sentences(self, unit: Unit) -> list[Unit]:
        if unit.cut < Cut.SENTENCE:
            return []
        spans = sentence_spans(self._text[unit.start : unit.end])
        return [_part(unit, unit.start + start, unit.start + end, Cut.SENTENCE) for start, end in spans]

    def _phrases(self, unit: Unit) -> list[Unit]:
        """Its words, those together that make a number or a citation of law."""
        parts: list[Unit] = []
        kept = unit.start
        for word in self._words(unit):
            if word.start < kept and parts:
                parts[-1] = replace(parts[-1], end=max(word.end, parts[-1].end), cut=word.cut)
            else:
                parts.append(word)
            if reference := REFERENCE.match(self._text, word.start, unit.end):
                kept = max(kept, reference.end())
        return parts

    def _words(self, unit: Unit) -> list[Unit]:
        found = _WORD.finditer(self._text, unit.start, unit.end)
        return [_part(unit, match.start(), match.end(), self._cut_after(match.end())) for match in found]

    def _cut_after(self, end: int) -> Cut:
        ends_clause = self._text[end - 1] in ",;:|–—、，；：" or self._text[end : end + 1] == "\n"
        return Cut.CLAUSE if ends_clause else Cut.WORD

    def _halves(self, unit: Unit, max_tokens: int) -> Iterator[Unit]:
        """A single word longer than a chunk: cut where it must be."""
        if unit.end - unit.start == 1:
            yield unit
            return
        middle = (unit.start + unit.end) // 2
        halves = [_part(unit, unit.start, middle, Cut.WORD), _part(unit, middle, unit.end, Cut.WORD)]
        for half in self.counted(halves):
            yield from self.fitting(half, max_tokens)


def _part(unit: Unit, start: int, end: int, cut: Cut) -> Unit:
    return replace(unit, start=start, end=end, cut=cut)


def _packed(parts: Sequence[Unit], whole: Unit, max_tokens: int) -> Iterator[Unit]:
    """As few units as hold the parts; the last one ends as the whole did."""
    for first, last in pack([part.tokens for part in parts], [part.cut for part in parts], max_tokens):
        piece = parts[first:last]
        cut = whole.cut if last == len(parts) else piece[-1].cut
        tokens = sum(part.tokens for part in piece)
        yield replace(whole, start=piece[0].start, end=piece[-1].end, cut=cut, tokens=tokens)


def last_header(extracted: ExtractedText, header: str | None) -> str | None:
    """The header row of the table that the text ends in, of which more may follow; `header` as above."""
    last_end = 0
    for block in extracted.blocks:
        header = _header_above(extracted.text, last_end, block, header)
        header = _header_below(extracted.text, block, header)
        last_end = block.end
    return header


def _units(extracted: ExtractedText, blocks: Iterable[Block], header: str | None) -> Iterator[Unit]:
    last_end = 0
    for block, following in _with_following(blocks):
        header = _header_above(extracted.text, last_end, block, header)
        yield from _block_units(extracted.text, block, header=header, last=following is None)
        header = _header_below(extracted.text, block, header)
        last_end = block.end


def _header_above(text: str, last_end: int, block: Block, header: str | None) -> str | None:
    goes_on = block.kind is BlockKind.TABLE_ROW and not block.header
    return header if goes_on and "\n\n" not in text[last_end : block.start] else None


def _header_below(text: str, block: Block, header: str | None) -> str | None:
    names_columns = block.kind is BlockKind.TABLE_ROW and block.header
    return text[block.start : block.end] if names_columns else header


def _with_following(blocks: Iterable[Block]) -> Iterator[tuple[Block, Block | None]]:
    previous: Block | None = None
    for block in blocks:
        if previous is not None:
            yield previous, block
        previous = block
    if previous is not None:
        yield previous, None


def _complete(extracted: ExtractedText) -> Iterator[Block]:
    """The blocks, and a paragraph for any text that stands between them."""
    position = 0
    for block in extracted.blocks:
        yield from _gap(extracted.text, position, block.start)
        yield block
        position = block.end
    yield from _gap(extracted.text, position, len(extracted.text))


def _paged(extracted: ExtractedText) -> Iterator[Block]:
    """The blocks, those that go on over a page's end in parts."""
    pages = extracted.page_starts
    for block in _complete(extracted):
        breaks = pages[bisect_right(pages, block.start) : bisect_left(pages, block.end)]
        for start, end in pairwise((block.start, *breaks, block.end)):
            if start < end:
                yield replace(block, start=start, end=end)


def _gap(text: str, start: int, end: int) -> Iterator[Block]:
    for match in _PARAGRAPH.finditer(text, start, end):
        yield Block(kind=BlockKind.PARAGRAPH, start=match.start(), end=match.end())


def _block_units(text: str, block: Block, *, header: str | None, last: bool) -> Iterator[Unit]:
    spans = _spans(text, block)
    for index, (start, end) in enumerate(spans):
        cut = Cut.BLOCK if index == len(spans) - 1 else Cut.SENTENCE
        announces = block.kind is BlockKind.HEADING or block.header or text[end - 1] == ":"
        yield Unit(
            start=start,
            end=end,
            cut=Cut.NEVER if announces and not last else cut,
            level=max(block.level, 1) if block.kind is BlockKind.HEADING else 0,
            header=header,
            row=block.start if block.kind is BlockKind.TABLE_ROW and not block.header else None,
        )


def _spans(text: str, block: Block) -> list[tuple[int, int]]:
    body = text[block.start : block.end]
    if block.kind is BlockKind.PARAGRAPH:
        spans = sentence_spans(body)
    elif block.kind is BlockKind.CODE:
        spans = [_trimmed(body, *match.span()) for match in _LINE.finditer(body)]
    else:
        spans = [_trimmed(body, 0, len(body))] if body.strip() else []
    return [(block.start + start, block.start + end) for start, end in spans]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), start + len(part.rstrip())
