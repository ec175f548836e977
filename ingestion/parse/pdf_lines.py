"""The lines of a PDF page with their place and size; called under PDFium's lock."""

import ctypes
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pypdfium2
import pypdfium2.raw as pdfium

from ingestion.parse.builder import clean

# PDFium writes U+FFFE for a hyphen at a line's end and leaves the line break out.
HYPHEN = "\ufffe"
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
    found: list[Line] = []
    for start, end, text in _texts(page.get_text_range()):
        line = _line(page, start, end, text)
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
            yield first, start + len(line.rstrip()) - 1, clean(line).strip() + mark
        start = match.end()


def _line(page: pypdfium2.PdfTextPage, first: int, last: int, text: str) -> Line:
    left, _, foot = _box(page, first)
    _, right, _ = _box(page, last)
    size, upright = _type(page, first)
    return Line(text=text, left=left, right=max(left, right), foot=foot, size=size, upright=upright)


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
