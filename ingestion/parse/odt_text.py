"""The text of OpenDocument paragraphs; notes and text boxes are handed out beside it."""

import re
from collections.abc import Iterator

from lxml import etree

from ingestion.parse.builder import lines
from ingestion.parse.odt_styles import TEXT, Styles

OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"

PARAGRAPHS = frozenset({f"{TEXT}p", f"{TEXT}h"})
_NOTE = f"{TEXT}note"
# Drawings in a line hold paragraphs of their own.
_DRAWINGS = frozenset(
    f"{DRAW}{name}"
    for name in ("frame", "custom-shape", "rect", "ellipse", "line", "connector", "g", "a", "caption")
)
# Comments, what was deleted with change tracking, the reading of a word above it.
_LEFT_OUT = frozenset(
    {f"{OFFICE}annotation", f"{TEXT}tracked-changes", f"{TEXT}ruby-text", f"{OFFICE}event-listeners"}
)
# What is not part of the line it stands in.
_BESIDE = _LEFT_OUT | _DRAWINGS | {_NOTE}
_SIGNS = {f"{TEXT}s": " ", f"{TEXT}tab": " ", f"{TEXT}line-break": "\n"}
_BLANKS = re.compile(r"\s+")


def text_of(paragraph: etree._Element, styles: Styles) -> str:
    return lines("".join(_pieces(paragraph, styles)))


def _pieces(element: etree._Element, styles: Styles) -> Iterator[str]:
    yield _BLANKS.sub(" ", element.text or "")
    for child in element:
        if isinstance(child.tag, str):
            yield from _child_pieces(child, styles)
        yield _BLANKS.sub(" ", child.tail or "")


def _child_pieces(child: etree._Element, styles: Styles) -> Iterator[str]:
    if child.tag in _SIGNS:
        yield _SIGNS[child.tag]
    elif child.tag not in _BESIDE and not styles.is_hidden(child.get(f"{TEXT}style-name")):
        yield from _pieces(child, styles)


def notes(paragraph: etree._Element) -> Iterator[etree._Element]:
    for note in paragraph.iter(_NOTE):
        yield from note.iterfind(f"{TEXT}note-body")


def drawings(element: etree._Element) -> Iterator[etree._Element]:
    """The outermost drawings in a paragraph."""
    for child in element:
        if child.tag in _DRAWINGS:
            yield child
        elif child.tag not in _LEFT_OUT and child.tag != _NOTE:
            yield from drawings(child)


def paragraphs(element: etree._Element) -> Iterator[etree._Element]:
    """All paragraphs inside, such as those of a cell."""
    for child in element:
        if child.tag in PARAGRAPHS:
            yield child
        elif child.tag not in _LEFT_OUT:
            yield from paragraphs(child)
