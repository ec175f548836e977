"""DOCX: body text with headings, numbered lists, tables, text boxes and notes; deletions left out."""

from collections.abc import Iterator

from lxml import etree

from ingestion.parse.builder import TextBuilder, lines, one_line
from ingestion.parse.docx_styles import Numbering, ParagraphStyle, Styles, W
from ingestion.parse.docx_tables import header_rows, merged_rows
from ingestion.parse.media_type import DOCX
from ingestion.parse.package import OfficePackage
from ingestion.parse.tables import add_table, header_size
from rag.domain.content import BlockKind, ExtractedText

_TEXTS = frozenset({f"{W}t", "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"})
_RUN_PROPERTIES, _VANISH = f"{W}rPr", f"{W}vanish"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_PARAGRAPH, _TABLE, _TEXT_BOX = f"{W}p", f"{W}tbl", f"{W}txbxContent"
# Deleted or moved away with change tracking, properties, and the second copy of a drawing.
_LEFT_OUT = frozenset({f"{W}del", f"{W}moveFrom", f"{W}pPr", f"{W}rPr", f"{W}sectPr", _FALLBACK, _TEXT_BOX})
_SIGNS = {
    f"{W}tab": " ",
    f"{W}br": "\n",
    f"{W}cr": "\n",
    f"{W}noBreakHyphen": "-",
}
_NOTE_KINDS = (("footnotes", "footnote"), ("endnotes", "endnote"))


def parse_docx(body: bytes) -> ExtractedText:
    package = OfficePackage(body, label="DOCX file", main="word/document.xml")
    builder = TextBuilder()
    document = _Document(builder, package)
    document.read(package.main())
    for part, note in _NOTE_KINDS:
        document.read_notes(package.related(package.main_name, part), note)
    return builder.finish(DOCX, package.title() or document.title)


class _Document:
    def __init__(self, builder: TextBuilder, package: OfficePackage) -> None:
        self.title: str | None = None
        self._builder = builder
        self._styles = Styles(package)
        self._numbering = Numbering(package)

    def read(self, container: etree._Element) -> None:
        """Adds the paragraphs and tables of a container and of the wrappers in it."""
        for child in container:
            if child.tag == _PARAGRAPH:
                self._add_paragraph(child)
            elif child.tag == _TABLE:
                self._add_table(child)
            elif child.tag not in _LEFT_OUT:
                self.read(child)

    def read_notes(self, notes: etree._Element | None, kind: str) -> None:
        for note in [] if notes is None else notes.iter(f"{W}{kind}"):
            if note.get(f"{W}type") in {None, "normal"}:
                self.read(note)

    def _add_paragraph(self, paragraph: etree._Element) -> None:
        text = lines(_text(paragraph))
        if text:
            self._add_text(self._styles.of(paragraph), text)
        for box in _text_boxes(paragraph):
            self.read(box)

    def _add_text(self, style: ParagraphStyle, text: str) -> None:
        if style.is_contents:
            return
        marker = self._numbering.marker(*style.numbering) if style.numbering else ""
        if style.level:
            if style.is_title:
                self.title = self.title or one_line(text)
            number = "" if marker == "-" else marker
            self._builder.add(BlockKind.HEADING, one_line(f"{number} {text}"), level=style.level)
        elif style.numbering:
            item = one_line(f"{marker} {text}")
            self._builder.add(BlockKind.LIST_ITEM, item, depth=style.numbering[1])
        else:
            self._builder.add(BlockKind.PARAGRAPH, text)

    def _add_table(self, table: etree._Element) -> None:
        trs = list(_inside(table, f"{W}tr"))
        rows = [list(_inside(tr, f"{W}tc")) for tr in trs]
        if all(len(cells) <= 1 for cells in rows):
            self._read_cells([cell for cells in rows for cell in cells])
            return
        texts = merged_rows([[_cell(cell) for cell in cells] for cells in rows], rows)
        add_table(self._builder, texts, header_rows=header_rows(table, trs) or header_size(texts))

    def _read_cells(self, cells: list[etree._Element]) -> None:
        """A table of one column is a frame around paragraphs."""
        for cell in cells:
            self.read(cell)


def _text(paragraph: etree._Element) -> str:
    found: list[str] = []
    _gather(paragraph, found)
    return "".join(found)


def _gather(element: etree._Element, found: list[str]) -> None:
    for child in element:
        tag = child.tag
        if tag in _TEXTS:
            found.append(child.text or "")
        elif tag in _SIGNS:
            found.append(_SIGNS[tag])
        elif tag not in _LEFT_OUT and not _is_hidden(child):
            _gather(child, found)


def _is_hidden(run: etree._Element) -> bool:
    properties = next(run.iterchildren(_RUN_PROPERTIES), None)
    vanish = None if properties is None else next(properties.iterchildren(_VANISH), None)
    return vanish is not None and vanish.get(f"{W}val") not in {"0", "false", "off"}


def _text_boxes(paragraph: etree._Element) -> Iterator[etree._Element]:
    """The text boxes anchored in a paragraph, each once."""
    for box in paragraph.iter(_TEXT_BOX):
        inner = next(box.iterancestors(_PARAGRAPH, _FALLBACK), None)
        if inner is paragraph:
            yield box


def _inside(element: etree._Element, tag: str) -> Iterator[etree._Element]:
    """The rows of a table or cells of a row, through the wrappers of content controls and insertions."""
    for child in element:
        if child.tag == tag:
            yield child
        elif child.tag not in _LEFT_OUT:
            yield from _inside(child, tag)


def _cell(cell: etree._Element) -> str:
    return " ".join(
        _text(paragraph)
        for paragraph in cell.iter(_PARAGRAPH)
        if next(paragraph.iterancestors(_FALLBACK), None) is None
    )
