"""Documents for property tests: sections of words that are told apart wherever they come out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from rag.domain.content import BlockKind, ExtractedText


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading and what stands under it: paragraphs, list items and the rows of a table."""

    heading: str
    paragraphs: tuple[str, ...]
    items: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def words(self) -> list[str]:
        parts = [self.heading, *self.paragraphs, *self.items, *(cell for row in self.rows for cell in row)]
        return " ".join(parts).split()


_WORDS = st.lists(st.text("abcdefgáéõç", min_size=1, max_size=6), min_size=1, max_size=4)


@st.composite
def sections(draw: st.DrawFn, *, most: int = 3) -> list[Section]:
    """Each word stands once in the document: its number is part of it."""
    count = 0

    def phrase() -> str:
        nonlocal count
        words = []
        for word in draw(_WORDS):
            count += 1
            words.append(f"{word}x{count}")
        return " ".join(words)

    def phrases(fewest: int = 0) -> tuple[str, ...]:
        return tuple(phrase() for _ in range(draw(st.integers(fewest, 3))))

    def table() -> tuple[tuple[str, ...], ...]:
        height, width = draw(st.sampled_from([(0, 0), (1, 2), (2, 2), (3, 4)]))
        return tuple(tuple(phrase() for _ in range(width)) for _ in range(height))

    return [
        Section(heading=phrase(), paragraphs=phrases(1), items=phrases(), rows=table())
        for _ in range(draw(st.integers(1, most)))
    ]


def assert_words(extracted: ExtractedText, written: Sequence[Section]) -> None:
    """Every word comes out once, in order, under its heading; rows and items are what they were."""
    expected = [word for section in written for word in section.words()]
    known = frozenset(expected)
    assert [word for word in re.findall(r"\w+", extracted.text) if word in known] == expected
    heading = ""
    found: dict[str, list[str]] = {}
    for block in extracted.blocks:
        text = extracted.text[block.start : block.end]
        heading = text if block.kind is BlockKind.HEADING else heading
        found.setdefault(heading, []).append(f"{block.kind} {text}")
    for section in written:
        under = found[section.heading]
        assert all(f"{BlockKind.PARAGRAPH} {text}" in under for text in section.paragraphs)
        assert all(f"{BlockKind.LIST_ITEM} - {text}" in under for text in section.items)
        assert all(f"{BlockKind.TABLE_ROW} {' | '.join(row)}" in under for row in section.rows)


def assert_pages(extracted: ExtractedText, written: Sequence[Section]) -> None:
    """Section n stands on page n."""
    assert len(extracted.page_starts) == len(written)
    for page, section in enumerate(written, start=1):
        for word in section.words():
            offset = extracted.text.index(word)
            assert sum(start <= offset for start in extracted.page_starts) == page
