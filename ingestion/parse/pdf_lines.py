"""The lines of a PDF page with their place and size; called under PDFium's lock."""

import ctypes
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pypdfium2
import pypdfium2.raw as pdfium

# PDFium writes U+FFFE for a hyphen at a line's end and leaves the line break out.
HYPHEN = "\ufffe"
_LINE_END = re.compile(rf"\r\n|\r|\n|{HYPHEN}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line in points from the page's lower left corner; `size` is the height of its type.

    A line broken inside a word ends with HYPHEN.
    """

    text: str
    left: float
    right: float
    bottom: float
    size: float


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
        if line.strip():
            first = start + len(line) - len(line.lstrip())
            mark = HYPHEN if match[0] == HYPHEN else ""
            yield first, start + len(line.rstrip()) - 1, line.strip() + mark
        start = match.end()


def _line(page: pypdfium2.PdfTextPage, first: int, last: int, text: str) -> Line:
    left, _, bottom, top = _box(page, first)
    _, right, _, _ = _box(page, last)
    return Line(text=text, left=left, right=max(left, right), bottom=bottom, size=round(abs(top - bottom), 1))


def _box(page: pypdfium2.PdfTextPage, index: int) -> tuple[float, float, float, float]:
    """Left, right, bottom, top of a character's cell; the size set in the file ignores scaling."""
    character = pdfium.FPDFText_GetCharIndexFromTextIndex(page.raw, index)
    rectangle = pdfium.FS_RECTF()
    if not pdfium.FPDFText_GetLooseCharBox(page.raw, max(character, 0), ctypes.byref(rectangle)):
        return 0.0, 0.0, 0.0, 0.0
    return rectangle.left, rectangle.right, rectangle.bottom, rectangle.top


def _same_line(previous: Line, line: Line) -> bool:
    """Whether a line goes on beside the previous one: superscripts, tabs, changes of font."""
    if previous.text.endswith(HYPHEN) or line.left < previous.left:
        return False
    overlap = min(previous.bottom + previous.size, line.bottom + line.size) - max(
        previous.bottom, line.bottom
    )
    return overlap > 0.5 * min(previous.size, line.size) and overlap > 0


def _joined(previous: Line, line: Line) -> Line:
    larger = max(previous, line, key=lambda each: (each.size, len(each.text)))
    glue = "" if line.left - previous.right < 0.1 * larger.size else " "
    return replace(larger, text=previous.text + glue + line.text, left=previous.left, right=line.right)
