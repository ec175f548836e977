"""Lines that Textract returns row by row across the page, brought into the order of its columns."""

from collections.abc import Sequence
from statistics import median
from typing import Final

from rag.domain.page_images import RecognizedLine

# Where two columns may part, as a share of the page's width.
_GUTTERS: Final = tuple(share / 100 for share in range(35, 66))
_FEWEST_LINES: Final = 4
# Lines of prose fill their column; what is narrower may be the cells of a table, to be read row by row.
_PROSE_WIDTH: Final = 0.3


def in_reading_order(lines: Sequence[RecognizedLine]) -> list[RecognizedLine]:
    """Two columns of prose one after the other; a line across both parts what is above from what follows."""
    gutter = _gutter(lines)
    if gutter is None:
        return list(lines)
    ordered: list[RecognizedLine] = []
    left: list[RecognizedLine] = []
    right: list[RecognizedLine] = []
    for line in sorted(lines, key=lambda line: line.top):
        if _crosses(line, gutter):
            ordered += [*left, *right, line]
            left, right = [], []
        else:
            (left if line.right <= gutter else right).append(line)
    return [*ordered, *left, *right]


def _gutter(lines: Sequence[RecognizedLine]) -> float | None:
    """None: the page has one column."""
    if not lines:
        return None
    gutter = min(_GUTTERS, key=lambda share: (sum(_crosses(line, share) for line in lines), abs(share - 0.5)))
    sides = (
        [line.right - line.left for line in lines if line.right <= gutter],
        [line.right - line.left for line in lines if line.left >= gutter],
    )
    return gutter if all(map(_is_column, sides)) else None


def _is_column(widths: Sequence[float]) -> bool:
    return len(widths) >= _FEWEST_LINES and median(widths) >= _PROSE_WIDTH


def _crosses(line: RecognizedLine, gutter: float) -> bool:
    return line.left < gutter < line.right
