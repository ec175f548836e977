"""What a reader of each golden file sees is what parsing gives: text, order, pages, headings, tables."""

import re
from collections.abc import Iterator

import pytest

from ingestion.parse.reader import parse
from rag.domain.content import Block, BlockKind, ExtractedText
from rag.errors import DocumentRejected
from tests.ingestion.parse.goldens.all_files import ALL
from tests.ingestion.parse.goldens.golden import Golden, Row
from tests.ingestion.parse.goldens.real_files import FOLDER
from tests.ingestion.parse.goldens.real_files import GOLDENS as REAL

_MARKER = re.compile(r"(?:[-*•]|\(?\w{1,4}[.)])\s+")


def text_of(extracted: ExtractedText, block: Block) -> str:
    return extracted.text[block.start : block.end]


def blocks(extracted: ExtractedText, kind: BlockKind) -> Iterator[str]:
    return (text_of(extracted, block) for block in extracted.blocks if block.kind is kind)


def page_of(extracted: ExtractedText, phrase: str) -> int:
    offset = extracted.text.index(phrase)
    return sum(start <= offset for start in extracted.page_starts)


def assert_in_order(text: str, phrases: Row) -> None:
    position = 0
    for phrase in phrases:
        found = text.find(phrase, position)
        assert found >= 0, f"{phrase!r} is not after {text[:position][-40:]!r}"
        position = found + len(phrase)


def assert_row(extracted: ExtractedText, cells: Row, header: Row) -> None:
    """The cells stand in one row, and above it in its table the row that names the columns."""
    above = ""
    for block in extracted.blocks:
        text = text_of(extracted, block)
        if block.kind is BlockKind.TABLE_ROW and block.header:
            above = text
        if block.kind is BlockKind.TABLE_ROW and all(cell in text for cell in cells):
            assert_in_order(text, cells)
            if header and all(name in above for name in header):
                return
            if not header:
                return
    pytest.fail(f"no row of {cells} under {header}")


@pytest.mark.parametrize("golden", ALL, ids=[golden.name for golden in ALL])
def test_a_reader_finds_what_stands_in_the_file(golden: Golden) -> None:
    assert_golden(golden)


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the shared documents are not on this machine")
@pytest.mark.parametrize("golden", REAL, ids=[golden.name for golden in REAL])
def test_a_reader_finds_what_stands_in_a_real_file(golden: Golden) -> None:
    assert_golden(golden)


def assert_golden(golden: Golden) -> None:
    if golden.code is not None:
        with pytest.raises(DocumentRejected) as rejection:
            parse(golden.make(), name=golden.name)
        assert rejection.value.code == golden.code
        return
    extracted = parse(golden.make(), name=golden.name)
    assert golden.text is None or extracted.text == golden.text
    assert golden.title is None or extracted.title == golden.title
    assert_in_order(extracted.text, golden.present)
    assert [phrase for phrase in golden.absent if phrase in extracted.text] == []
    assert not golden.headings or tuple(blocks(extracted, BlockKind.HEADING)) == golden.headings
    items = [_MARKER.sub("", item, count=1) for item in blocks(extracted, BlockKind.LIST_ITEM)]
    assert not golden.items or tuple(items) == golden.items
    assert [page_of(extracted, phrase) for phrase, _ in golden.pages] == [page for _, page in golden.pages]
    assert golden.page_count in {None, len(extracted.page_starts)}
    for cells in golden.rows:
        assert_row(extracted, cells, golden.header)


def test_the_goldens_are_many_and_small() -> None:
    assert len(ALL) >= 60
    assert len({golden.name for golden in ALL}) == len(ALL)
    assert sum(len(golden.make()) for golden in ALL) < 1_500_000
