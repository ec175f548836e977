"""Columns of prose that a PDF draws line by line across the page, told by the gap between them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from statistics import median

import pypdfium2

_FEWEST_ROWS = 6
_NARROWEST_COLUMN = 100.0
# Lines of prose run up to the edge of their column; the cells of a table end anywhere.
_FULL_LINE = 0.75
_MOSTLY_FULL = 0.6
_SAME_EDGE = 3.0
_MOSTLY_LETTERS = 0.6
_WORDS_A_LINE = 3
# Rectangles closer than this part of their height are words of one line.
_WORD_GAP = 0.9
# A line further below than so many heights belongs to something else.
_FARTHEST = 4.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Part of a printed line, in points from the page's lower left corner."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def width(self) -> float:
        return self.right - self.left


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """Between `bottom` and `top` two columns stand left and right of `gutter`."""

    gutter: float
    bottom: float
    top: float

    def holds(self, height: float) -> bool:
        return self.bottom <= height <= self.top


def find_bands(page: pypdfium2.PdfTextPage) -> list[Band]:
    """Empty for most pages: columns that are drawn one after the other need no help."""
    runs = _runs(_rows(_rectangles(page)))
    return [
        run.band() for run in runs if run.is_columns() and all(_is_worded(page, column) for column in run)
    ]


def _rectangles(page: pypdfium2.PdfTextPage) -> Iterator[Piece]:
    for index in range(page.count_rects()):
        left, bottom, right, top = page.get_rect(index)
        yield Piece(left=left, bottom=bottom, right=right, top=top)


def _rows(rectangles: Iterator[Piece]) -> Iterator[list[Piece]]:
    """The pieces of each printed line, in the order in which they are drawn."""
    row: list[Piece] = []
    for piece in rectangles:
        if row and not _beside(row[-1], piece):
            yield row
            row = []
        if row and piece.left - row[-1].right < _WORD_GAP * _height(piece):
            row[-1] = _union(row[-1], piece)
        else:
            row.append(piece)
    if row:
        yield row


def _beside(before: Piece, after: Piece) -> bool:
    overlap = min(before.top, after.top) - max(before.bottom, after.bottom)
    lower = min(before.top - before.bottom, after.top - after.bottom)
    return after.left >= before.right - 1 and overlap > 0.5 * lower


def _union(first: Piece, second: Piece) -> Piece:
    return Piece(
        left=first.left,
        bottom=min(first.bottom, second.bottom),
        right=max(first.right, second.right),
        top=max(first.top, second.top),
    )


class _Run:
    """Printed lines that follow one another and leave a gap free between two columns."""

    def __init__(self, row: Sequence[Piece]) -> None:
        self._pairs = 0
        self._left: list[Piece] = []
        self._right: list[Piece] = []
        self._begins, self._ends = 0.0, inf
        self._last = row[0]
        self.takes(row)

    def takes(self, row: Sequence[Piece]) -> bool:
        """Adds a line that leaves the gap free; False where it crosses it or stands far below."""
        if len(row) > 2 or abs(self._last.bottom - row[0].bottom) > _FARTHEST * _height(row[0]):  # noqa: PLR2004 - two columns
            return False
        is_right = len(row) == 1 and row[0].left >= max(self._begins, 1.0)
        left, right = (row[:0], row) if is_right else (row[:1], row[1:])
        begins = max([self._begins, *(piece.right for piece in left)])
        ends = min([self._ends, *(piece.left for piece in right)])
        if begins >= ends:
            return False
        self._begins, self._ends, self._last = begins, ends, row[0]
        self._left += left
        self._right += right
        self._pairs += len(row) - 1
        return True

    def is_columns(self) -> bool:
        """Whether these look like two columns of prose."""
        return self._pairs >= _FEWEST_ROWS and all(map(_is_prose, self))

    def __iter__(self) -> Iterator[list[Piece]]:
        yield self._left
        yield self._right

    def band(self) -> Band:
        pieces = [*self._left, *self._right]
        return Band(
            gutter=(self._begins + self._ends) / 2,
            bottom=min(piece.bottom for piece in pieces),
            top=max(piece.top for piece in pieces),
        )


def _runs(rows: Iterable[Sequence[Piece]]) -> Iterator[_Run]:
    run: _Run | None = None
    for row in rows:
        if run is None or not run.takes(row):
            if run:
                yield run
            run = _Run(row)
    if run:
        yield run


def _height(piece: Piece) -> float:
    return max(piece.top - piece.bottom, 1.0)


def _is_worded(page: pypdfium2.PdfTextPage, column: Sequence[Piece]) -> bool:
    """Whether a column holds sentences, not figures or single words."""
    text: str = page.get_text_bounded(
        left=min(piece.left for piece in column) - 1,
        bottom=min(piece.bottom for piece in column) - 1,
        right=max(piece.right for piece in column) + 1,
        top=max(piece.top for piece in column) + 1,
    )
    printed = "".join(text.split())
    letters = sum(map(str.isalpha, printed))
    return letters >= _MOSTLY_LETTERS * len(printed) and len(text.split()) >= _WORDS_A_LINE * len(column)


def _is_prose(column: Sequence[Piece]) -> bool:
    widest = max(piece.width for piece in column)
    full = sum(piece.width >= _FULL_LINE * widest for piece in column)
    edge = median(piece.left for piece in column)
    aligned = sum(abs(piece.left - edge) <= _SAME_EDGE for piece in column)
    enough = _MOSTLY_FULL * len(column)
    return widest >= _NARROWEST_COLUMN and full >= enough and aligned >= enough
