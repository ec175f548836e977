"""OpenDocument: every word once, in order, under its heading; tables that claim more than they hold."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.parse.odt import parse_ods, parse_odt
from rag.domain.content import BlockKind
from rag.errors import DocumentTooLarge
from tests.ingestion.parse.goldens.odf import odf, ods_cell
from tests.ingestion.parse.sections import Section, assert_words, sections


def body(section: Section) -> str:
    items = "".join(f"<text:list-item><text:p>{item}</text:p></text:list-item>" for item in section.items)
    rows = "".join(
        f"<table:table-row>{''.join(map(ods_cell, row))}</table:table-row>" for row in section.rows
    )
    return (
        f'<text:h text:outline-level="2">{section.heading}</text:h>'
        + "".join(f"<text:p>{text.replace(' ', '<text:s/>')}</text:p>" for text in section.paragraphs)
        + (f"<text:list>{items}</text:list>" if items else "")
        + (f"<table:table>{rows}</table:table>" if rows else "")
    )


@given(sections())
@settings(max_examples=40, deadline=None)
def test_words_come_out_once_and_in_order(written: list[Section]) -> None:
    extracted = parse_odt(odf("text", "".join(map(body, written))))
    assert_words(extracted, written)
    assert all(block.level == 2 for block in extracted.blocks if block.kind is BlockKind.HEADING)


def sheet(row: str) -> bytes:
    return odf("spreadsheet", f'<table:table table:name="S">{row}</table:table>')


@given(st.integers(2, 50), st.integers(2, 50))
def test_cells_and_rows_repeat(columns: int, rows: int) -> None:
    cell = (
        f'<table:table-cell table:number-columns-repeated="{columns}"><text:p>x</text:p></table:table-cell>'
    )
    extracted = parse_ods(
        sheet(f'<table:table-row table:number-rows-repeated="{rows}">{cell}</table:table-row>')
    )
    found = [block for block in extracted.blocks if block.kind is BlockKind.TABLE_ROW]
    assert len(found) == rows
    assert all(extracted.text[block.start : block.end].count("x") == columns for block in found)


_TEXT = "<text:p>x</text:p>"


def _row(cells: str) -> str:
    return f"<table:table-row>{cells}</table:table-row>"


@pytest.mark.parametrize(
    "row",
    [
        f'<table:table-row table:number-rows-repeated="999999999">{ods_cell("x")}</table:table-row>',
        _row(f'<table:table-cell table:number-columns-repeated="999999999">{_TEXT}</table:table-cell>'),
        _row(f'<table:table-cell table:number-columns-repeated="999999"/>{ods_cell("x")}'),
        _row(f'<table:table-cell table:number-columns-spanned="9999">{_TEXT}</table:table-cell>') * 600,
    ],
    ids=["rows", "columns", "blank columns", "spans"],
)
def test_a_table_that_claims_too_many_cells(row: str) -> None:
    with pytest.raises(DocumentTooLarge, match="Split it"):
        parse_ods(sheet(row))


def test_numbers_of_headings_and_lists_are_counted() -> None:
    styles = (
        '<text:outline-style><text:outline-level-style text:level="1" style:num-format="1"/>'
        '<text:outline-level-style text:level="2" style:num-format="1" text:display-levels="2"/>'
        "</text:outline-style>"
        '<text:list-style style:name="R"><text:list-level-style-number text:level="1" style:num-format="I"'
        ' style:num-prefix="(" style:num-suffix=")" text:start-value="4"/></text:list-style>'
    )
    headings = "".join(f'<text:h text:outline-level="{level}">h</text:h>' for level in (1, 2, 2, 1, 2))
    one = "<text:list-item><text:p>i</text:p></text:list-item>"
    lists = (
        f'<text:list text:style-name="R">{one}</text:list><text:p>between</text:p>'
        f'<text:list text:style-name="R" text:continue-numbering="true">{one}</text:list>'
    )
    between = ["(IV)", "i", "between", "(V)", "i"]
    text = parse_odt(odf("text", headings + lists, styles=styles)).text
    assert text.split() == ["1", "h", "1.1", "h", "1.2", "h", "2", "h", "2.1", "h", *between]
