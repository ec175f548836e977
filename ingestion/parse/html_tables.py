"""The rows of an HTML table with the text of a spanning cell in every column and row that it spans."""

import re
from collections.abc import Callable, Sequence

from selectolax.lexbor import LexborNode

_MOST_COLUMNS = 100
_MOST_ROWS = 1_000
_NUMBER = re.compile(r"\d{1,5}")


def spanned_rows(rows: Sequence[LexborNode], text: Callable[[LexborNode], str]) -> list[list[str]]:
    hanging: dict[int, tuple[int, str]] = {}  # by column: further rows, text
    return [_row(tr, hanging, text) for tr in rows]


def _row(tr: LexborNode, hanging: dict[int, tuple[int, str]], text: Callable[[LexborNode], str]) -> list[str]:
    found: list[str] = []
    cells = tr.css("td, th")
    for cell in cells:
        _take_hanging(found, hanging)
        shown = text(cell)
        only = len(cells) == 1 and not found
        for _ in range(1 if only else _span(cell, "colspan", _MOST_COLUMNS)):
            further = _span(cell, "rowspan", _MOST_ROWS) - 1
            if further > 0 and shown:
                hanging[len(found)] = (further, shown)
            found.append(shown)
    _take_hanging(found, hanging)
    return found


def _take_hanging(found: list[str], hanging: dict[int, tuple[int, str]]) -> None:
    while len(found) in hanging:
        left, shown = hanging.pop(len(found))
        if left > 1:
            hanging[len(found)] = (left - 1, shown)
        found.append(shown)


def _span(cell: LexborNode, name: str, most: int) -> int:
    value = _NUMBER.match(cell.attributes.get(name) or "1")
    return min(max(int(value[0]), 1), most) if value else 1
