"""The lines of a PDF page with their place and size; called under PDFium's lock."""

import ctypes
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import pypdfium2
import pypdfium2.raw as pdfium

from ingestion.parse.builder import clean
from ingestion.parse.pdf_columns import Band, find_bands

# PDFium writes U+FFFE for a hyphen at a line's end and leaves the line break out.
HYPHEN = "\ufffe"
_WORD = re.compile(r"\S+")
_LINE_END = re.compile(rf"\r\n|\r|\n|{HYPHEN}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line in points from the page's lower left corner; `foot` is its baseline, `size` that of its type.

    A line broken inside a word ends with HYPHEN.
    """

    text: str
    left: float
    right: float
    foot: float
    size: float
    upright: bool = True

    @property
    def character_width(self) -> float:
        return (self.right - self.left) / len(self.text)


def read_lines(page: pypdfium2.PdfTextPage) -> list[Line]:
    """In reading order: a column that is drawn line by line with its neighbour comes as a whole."""
    bands = find_bands(page)
    found: list[Line] = []
    lines = _lines(page, bands)
    for band, group in groupby(lines, key=lambda line: _band_of(line, bands)):
        if band is None:
            found = _joined_lines(found, group)
            continue
        beside = list(group)
        for column in (False, True):
            found += _joined_lines([], (line for line in beside if (line.left >= band.gutter) is column))
    return found


def _lines(page: pypdfium2.PdfTextPage, bands: Sequence[Band]) -> Iterator[Line]:
    for first, last, text in _texts(page.get_text_range()):
        line = _line(page, first, last, text)
        band = _band_of(line, bands)
        cut = _cut(page, first, text, band.gutter) if band and line.left < band.gutter < line.right else 0
        if cut:
            before = text[:cut].rstrip()
            yield _line(page, first, first + len(before) - 1, before)
            yield _line(page, first + cut, last, text[cut:])
        else:
            yield line


def _band_of(line: Line, bands: Sequence[Band]) -> Band | None:
    return next((band for band in bands if band.holds(line.foot + line.size / 4)), None)


def _cut(page: pypdfium2.PdfTextPage, first: int, text: str, gutter: float) -> int:
    """Where the first word right of the gutter begins; 0 where there is none."""
    words = (match.start() for match in _WORD.finditer(text) if match.start())
    return next((start for start in words if _box(page, first + start)[0] >= gutter), 0)


def _joined_lines(found: list[Line], lines: Iterable[Line]) -> list[Line]:
    for line in lines:
        if found and _same_line(found[-1], line):
            found[-1] = _joined(found[-1], line)
        else:
            found.append(line)
    return found


def _texts(text: str) -> Iterator[tuple[int, int, str]]:
    """Each line that holds text, with the offsets of its first and last printed character."""
    start = 0
    for match in _LINE_END.finditer(text + "\n"):
        line = text[start : match.start()]
        if clean(line).strip():
            first = start + len(line) - len(line.lstrip())
            mark = HYPHEN if match[0] == HYPHEN else ""
            yield first, start + len(line.rstrip()) - 1, line.strip() + mark
        start = match.end()


def _line(page: pypdfium2.PdfTextPage, first: int, last: int, text: str) -> Line:
    left, _, foot = _box(page, first)
    _, right, _ = _box(page, last)
    size, upright = _type(page, first)
    mark = HYPHEN if text.endswith(HYPHEN) else ""
    shown = clean(text).strip() + mark
    return Line(text=shown, left=left, right=max(left, right), foot=foot, size=size, upright=upright)


def _box(page: pypdfium2.PdfTextPage, index: int) -> tuple[float, float, float]:
    """Left and right edge of a character's cell, and its baseline."""
    character = _character(page, index)
    cell = pdfium.FS_RECTF()
    left, foot = ctypes.c_double(), ctypes.c_double()
    if not pdfium.FPDFText_GetLooseCharBox(page.raw, character, ctypes.byref(cell)):
        return 0.0, 0.0, 0.0
    if not pdfium.FPDFText_GetCharOrigin(page.raw, character, ctypes.byref(left), ctypes.byref(foot)):
        return cell.left, cell.right, cell.bottom
    return cell.left, cell.right, foot.value


def _type(page: pypdfium2.PdfTextPage, index: int) -> tuple[float, bool]:
    """The size of type, to half a point, and whether it stands upright.

    Many writers set size 1 and scale by the matrix, so the size alone says nothing.
    """
    character = _character(page, index)
    matrix = pdfium.FS_MATRIX()
    size = pdfium.FPDFText_GetFontSize(page.raw, character)
    if not pdfium.FPDFText_GetMatrix(page.raw, character, ctypes.byref(matrix)):
        return round(size * 2) / 2, True
    scale = math.hypot(matrix.c, matrix.d)
    return round(size * scale * 2) / 2, abs(matrix.b) <= abs(matrix.a)


def _character(page: pypdfium2.PdfTextPage, index: int) -> int:
    character: int = pdfium.FPDFText_GetCharIndexFromTextIndex(page.raw, index)
    return max(character, 0)


def _same_line(previous: Line, line: Line) -> bool:
    """Whether a line goes on beside the previous one: superscripts, tabs, changes of font."""
    if previous.text.endswith(HYPHEN) or line.left < previous.left or line.upright != previous.upright:
        return False
    overlap = min(previous.foot + previous.size, line.foot + line.size) - max(previous.foot, line.foot)
    return overlap > 0.5 * min(previous.size, line.size) and overlap > 0


def _joined(previous: Line, line: Line) -> Line:
    larger = max(previous, line, key=lambda each: (each.size, len(each.text)))
    glue = "" if line.left - previous.right < 0.1 * larger.size else " "
    return replace(larger, text=previous.text + glue + line.text, left=previous.left, right=line.right)
