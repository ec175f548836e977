"""DOCX tables: which rows are headers, and the text of merged cells in each of their places."""

import re
from collections.abc import Sequence
from itertools import takewhile

from lxml import etree

from ingestion.parse.docx_styles import W, value

_MOST_COLUMNS = 1_000


def header_rows(table: etree._Element, rows: Sequence[etree._Element]) -> int:
    """How many rows the author marked as naming the columns."""
    marked = len(list(takewhile(_is_header, rows)))
    return min(marked or int(_names_its_columns(table)), max(0, len(rows) - 1))


def merged_rows(texts: Sequence[Sequence[str]], cells: Sequence[Sequence[etree._Element]]) -> list[list[str]]:
    rows: list[list[str]] = []
    for row_texts, row_cells in zip(texts, cells, strict=True):
        above = rows[-1] if rows else []
        row = [""] * _left_out_before(row_cells)
        for text, cell in zip(row_texts, row_cells, strict=True):
            shown = above[len(row)] if _continues(cell) and len(row) < len(above) else text
            row += [shown] * _span(cell)
        rows.append(row if len(row_cells) > 1 else row[:1])
    return rows


def _left_out_before(cells: Sequence[etree._Element]) -> int:
    """How many columns a row that is indented begins after."""
    row = next(cells[0].iterancestors(f"{W}tr")) if cells else None
    return _columns(value(row, "trPr/gridBefore"), 0)


def _span(cell: etree._Element) -> int:
    return _columns(value(cell, "tcPr/gridSpan"), 1)


def _columns(said: str | None, least: int) -> int:
    return min(max(int(said), least), _MOST_COLUMNS) if said and re.fullmatch(r"\d{1,6}", said) else least


def _continues(cell: etree._Element) -> bool:
    """Whether the cell is merged with the one above."""
    merge = cell.find(f"{W}tcPr/{W}vMerge")
    return merge is not None and merge.get(f"{W}val", "continue") == "continue"


def _is_header(tr: etree._Element) -> bool:
    header = tr.find(f"{W}trPr/{W}tblHeader")
    return header is not None and header.get(f"{W}val") not in {"0", "false", "off"}


def _names_its_columns(table: etree._Element) -> bool:
    """Whether the table's look sets the first row apart."""
    look = table.find(f"{W}tblPr/{W}tblLook")
    if look is None:
        return False
    if (first := look.get(f"{W}firstRow")) is not None:
        return first in {"1", "true", "on"}
    bits = value(table, "tblPr/tblLook") or ""
    try:
        return bool(int(bits, 16) & 0x0020)
    except ValueError:
        return False
