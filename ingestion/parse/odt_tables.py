"""OpenDocument tables as rows of texts: cells that repeat or span are written out, within limits."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from ingestion.parse.builder import one_line
from ingestion.parse.odt_styles import TABLE, Styles, number
from ingestion.parse.odt_text import OFFICE, paragraphs, text_of
from rag.errors import DocumentTooLarge

# A few bytes can claim 10¹² cells.
MAX_CELLS = 5_000_000
_MOST_COLUMNS = 16_384

_CELL, _COVERED, _ROW = f"{TABLE}table-cell", f"{TABLE}covered-table-cell", f"{TABLE}table-row"
_HEADER = f"{TABLE}table-header-rows"
_WRAPPERS = frozenset({_HEADER, f"{TABLE}table-rows", f"{TABLE}table-row-group"})


@dataclass(kw_only=True)
class Grid:
    rows: list[list[str]] = field(default_factory=list)
    header_rows: int = 0


@dataclass(frozen=True, kw_only=True)
class _Span:
    text: str
    last_row: int


def read_table(table: etree._Element, styles: Styles) -> Grid:
    """A spanning cell's text stands in each of its places. Raises DocumentTooLarge."""
    return _Reader(styles).read(table)


def cells_of(table: etree._Element) -> list[list[etree._Element]]:
    return [list(tr.iterchildren(_CELL, _COVERED)) for tr, _ in _rows(table)]


def _rows(element: etree._Element, *, header: bool = False) -> Iterator[tuple[etree._Element, bool]]:
    for child in element:
        if child.tag == _ROW:
            yield child, header
        elif child.tag in _WRAPPERS:
            yield from _rows(child, header=header or child.tag == _HEADER)


class _Reader:
    def __init__(self, styles: Styles) -> None:
        self._styles = styles
        self._spans: dict[int, _Span] = {}
        self._cells = 0
        self._row = 0

    def read(self, table: etree._Element) -> Grid:
        grid = Grid()
        for tr, header in _rows(table):
            repeated = number(tr.get(f"{TABLE}number-rows-repeated"), 1)
            texts = self._texts(tr)
            self._row += repeated
            if any(texts):
                self._count(len(texts) * repeated)
                grid.rows += [texts] * repeated
                grid.header_rows += repeated if header else 0
        return grid

    def _texts(self, tr: etree._Element) -> list[str]:
        texts: list[str] = []
        blanks = 0
        for cell in tr.iterchildren(_CELL, _COVERED):
            repeated = number(cell.get(f"{TABLE}number-columns-repeated"), 1)
            column = len(texts) + blanks
            text = self._text(cell, column)
            if not text:
                blanks += repeated
                continue
            if column + repeated > _MOST_COLUMNS:
                raise _too_large()
            texts += [""] * blanks + [text] * repeated
            blanks = 0
        return texts

    def _text(self, cell: etree._Element, column: int) -> str:
        span = self._spans.get(column)
        if cell.tag == _COVERED and span is not None and self._row <= span.last_row:
            return span.text
        text = _shown(cell, self._styles)
        columns = min(number(cell.get(f"{TABLE}number-columns-spanned"), 1), _MOST_COLUMNS)
        last_row = self._row + number(cell.get(f"{TABLE}number-rows-spanned"), 1) - 1
        if columns > 1 or last_row > self._row:
            self._count(columns)
            self._spans |= dict.fromkeys(range(column, column + columns), _Span(text=text, last_row=last_row))
        return text

    def _count(self, cells: int) -> None:
        self._cells += cells
        if self._cells > MAX_CELLS:
            raise _too_large()


def _shown(cell: etree._Element, styles: Styles) -> str:
    """What a reader sees in the cell; dates in their one form that sorts and is understood everywhere."""
    date: str | None = cell.get(f"{OFFICE}date-value")
    if date:
        return date.removesuffix("T00:00:00")
    return one_line(" ".join(text_of(paragraph, styles) for paragraph in paragraphs(cell)))


def _too_large() -> DocumentTooLarge:
    return DocumentTooLarge(
        f"A table has more than {MAX_CELLS:,} cells or {_MOST_COLUMNS:,} columns. Split it into smaller ones."
    )
