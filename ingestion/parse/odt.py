"""ODT, ODP and ODS: texts, presentations (a slide is a page) and spreadsheets (a sheet is a page)."""

import re
from dataclasses import replace

from lxml import etree

from ingestion.parse.builder import TextBuilder, one_line
from ingestion.parse.media_type import ODP, ODS, ODT
from ingestion.parse.odt_blocks import Blocks
from ingestion.parse.odt_package import OpenDocument
from ingestion.parse.odt_styles import PRESENTATION, TABLE, Styles
from ingestion.parse.odt_tables import read_table
from ingestion.parse.odt_text import DRAW, paragraphs, text_of
from ingestion.parse.reading_order import Box, reading_order
from ingestion.parse.tables import add_tables
from rag.domain.content import BlockKind, ExtractedText

_SVG = "{urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0}"
_CLASS = f"{PRESENTATION}class"
_NOTES = f"{PRESENTATION}notes"
_FURNITURE = frozenset({"header", "footer", "date-time", "page-number", "page"})
_LENGTH = re.compile(r"(-?\d{1,9}(?:\.\d{1,9})?)(mm|cm|in|pt|pc|px)")
_MILLIMETRES = {"mm": 1.0, "cm": 10.0, "in": 25.4, "pt": 25.4 / 72, "pc": 25.4 / 6, "px": 25.4 / 96}


def parse_odt(body: bytes) -> ExtractedText:
    document = OpenDocument(body, label="ODT file", kind="text")
    builder = TextBuilder()
    blocks = Blocks(builder, document.styles)
    blocks.read(document.body)
    blocks.read_notes()
    return builder.finish(ODT, document.title() or blocks.title)


def parse_ods(body: bytes) -> ExtractedText:
    """Hidden sheets are left out."""
    document = OpenDocument(body, label="ODS file", kind="spreadsheet")
    builder = TextBuilder()
    for table in document.body.iterfind(f"{TABLE}table"):
        if document.styles.is_hidden(table.get(f"{TABLE}style-name")):
            continue
        grid = read_table(table, document.styles)
        if grid.rows:
            builder.open_page()
            builder.add(BlockKind.HEADING, table.get(f"{TABLE}name", ""), level=2)
            add_tables(builder, grid.rows)
    return builder.finish(ODS, document.title())


def parse_odp(body: bytes) -> ExtractedText:
    """Hidden slides are left out and keep their number."""
    document = OpenDocument(body, label="ODP file", kind="presentation")
    builder = TextBuilder()
    titles = []
    for page in document.body.iterfind(f"{DRAW}page"):
        builder.open_page()
        if not document.styles.is_hidden(page.get(f"{DRAW}style-name")):
            titles.append(_add_slide(builder, page, document.styles))
    extracted = builder.finish(ODP, document.title())
    title = next(filter(None, titles), None)
    return extracted if extracted.title or not title else replace(extracted, title=title)


def _add_slide(builder: TextBuilder, page: etree._Element, styles: Styles) -> str:
    """Returns the slide's title."""
    blocks = Blocks(builder, styles)
    shapes = [shape for shape in page if shape.get(_CLASS) not in _FURNITURE and shape.tag != _NOTES]
    titles = [_text(shape, styles) for shape in shapes if shape.get(_CLASS) == "title"]
    for title in titles:
        builder.add(BlockKind.HEADING, title, level=2)
    rest = [(_box(shape), shape) for shape in shapes if shape.get(_CLASS) != "title"]
    for _, shape in reading_order(rest):
        builder.set_apart()
        blocks.read([shape])
    for shape in page.iterfind(f"{_NOTES}/*"):
        if shape.get(_CLASS) == "notes":
            blocks.read([shape])
    return next(filter(None, titles), "")


def _text(shape: etree._Element, styles: Styles) -> str:
    return one_line(" ".join(text_of(paragraph, styles) for paragraph in paragraphs(shape)))


def _box(shape: etree._Element) -> Box:
    left, top = _length(shape, "x"), _length(shape, "y")
    return Box(
        left=left, top=top, right=left + _length(shape, "width"), bottom=top + _length(shape, "height")
    )


def _length(shape: etree._Element, name: str) -> float:
    match = _LENGTH.fullmatch(shape.get(f"{_SVG}{name}", ""))
    return float(match[1]) * _MILLIMETRES[match[2]] if match else 0.0
