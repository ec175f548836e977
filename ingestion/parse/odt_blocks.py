"""OpenDocument text as blocks: headings, paragraphs, lists, tables, text boxes, then notes."""

from collections.abc import Iterable

from lxml import etree

from ingestion.parse.builder import TextBuilder, one_line
from ingestion.parse.odt_styles import TABLE, TEXT, Numbering, Styles, number
from ingestion.parse.odt_tables import cells_of, read_table
from ingestion.parse.odt_text import OFFICE, PARAGRAPHS, drawings, notes, text_of
from ingestion.parse.tables import add_table, header_size
from rag.domain.content import BlockKind

_TABLE, _LIST, _SECTION = f"{TABLE}table", f"{TEXT}list", f"{TEXT}section"
_SVG = "{urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0}"
# Indexes repeat the headings; comments and deletions are not the text.
_LEFT_OUT = frozenset(
    {
        f"{OFFICE}annotation",
        f"{OFFICE}forms",
        f"{TEXT}tracked-changes",
        f"{TEXT}table-of-content",
        f"{TEXT}illustration-index",
        f"{TEXT}table-index",
        f"{TEXT}object-index",
        f"{TEXT}alphabetical-index",
        f"{TEXT}user-index",
        f"{_SVG}title",
        f"{_SVG}desc",
    }
)


class Blocks:
    def __init__(self, builder: TextBuilder, styles: Styles) -> None:
        self.title = ""
        self._builder = builder
        self._styles = styles
        self._numbering = Numbering(styles)
        self._notes: list[etree._Element] = []

    def read(self, container: Iterable[etree._Element]) -> None:
        for child in container:
            if child.tag in PARAGRAPHS:
                self._add_paragraph(child)
            elif child.tag == _LIST:
                self._read_list(child)
            elif child.tag == _TABLE:
                self._add_table(child)
            elif child.tag not in _LEFT_OUT and child.get(f"{TEXT}display") != "none":
                self.read(child)

    def read_notes(self) -> None:
        """The notes met so far; those in notes follow."""
        while self._notes:
            self.read(self._notes.pop(0))

    def _add_paragraph(self, paragraph: etree._Element, marker: str = "", depth: int = 0) -> None:
        style = paragraph.get(f"{TEXT}style-name")
        if not self._styles.is_hidden(style):
            self._add_text(paragraph, style, marker, depth)
        self._notes += notes(paragraph)
        for drawing in drawings(paragraph):
            self.read(drawing)

    def _add_text(self, paragraph: etree._Element, style: str | None, marker: str, depth: int) -> None:
        text = text_of(paragraph, self._styles)
        if not text:
            return
        if level := self._heading_level(paragraph, style):
            self._add_heading(paragraph, text, level, marker)
        elif marker:
            self._builder.add(BlockKind.LIST_ITEM, one_line(f"{marker} {text}"), depth=depth)
        else:
            self._builder.add(BlockKind.PARAGRAPH, text)

    def _add_heading(self, heading: etree._Element, text: str, level: int, marker: str) -> None:
        listed = marker or heading.tag != f"{TEXT}h" or heading.get(f"{TEXT}is-list-header") == "true"
        shown = marker if listed else self._numbering.heading_number(level - 1)
        self._builder.add(BlockKind.HEADING, one_line(f"{shown.strip('-')} {text}"), level=min(level, 6))

    def _heading_level(self, paragraph: etree._Element, style: str | None) -> int:
        if paragraph.tag == f"{TEXT}h":
            return max(1, number(paragraph.get(f"{TEXT}outline-level"), 1))
        if self._styles.is_title(style):
            self.title = self.title or one_line(text_of(paragraph, self._styles))
            return 1
        return self._styles.heading_level(style)

    def _read_list(self, outermost: etree._Element) -> None:
        style = outermost.get(f"{TEXT}style-name")
        continues = outermost.get(f"{TEXT}continue-numbering") == "true"
        if not continues and outermost.get(f"{TEXT}continue-list") is None:
            self._numbering.restart(style)
            self._builder.set_apart()
        self._read_items(outermost, style, 0)

    def _read_items(self, items: etree._Element, style: str | None, depth: int) -> None:
        for item in items:
            starts = item.tag == f"{TEXT}list-item"
            for child in item:
                if child.tag == _LIST:
                    self._read_items(child, child.get(f"{TEXT}style-name") or style, depth + 1)
                elif child.tag in PARAGRAPHS:
                    self._add_paragraph(child, self._marker(item, style, depth) if starts else "", depth)
                    starts = False
                else:
                    self.read([child])

    def _marker(self, item: etree._Element, style: str | None, depth: int) -> str:
        start = item.get(f"{TEXT}start-value")
        return self._numbering.marker(style, depth, number(start, 1) if start else None)

    def _add_table(self, table: etree._Element) -> None:
        rows = cells_of(table)
        if all(len(cells) <= 1 for cells in rows):  # a frame around paragraphs
            for cells in rows:
                self.read(cells)
            return
        grid = read_table(table, self._styles)
        add_table(self._builder, grid.rows, header_rows=grid.header_rows or header_size(grid.rows))
        self._notes += notes(table)
