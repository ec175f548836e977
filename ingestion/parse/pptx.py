"""PPTX: each slide a page, its title a heading, its boxes in reading order, its notes after it."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from lxml import etree

from ingestion.parse.builder import TextBuilder, one_line
from ingestion.parse.media_type import PPTX
from ingestion.parse.package import OfficePackage
from ingestion.parse.pptx_data import (
    TABLE,
    chart_rows,
    chart_title,
    diagram_texts,
    names_its_columns,
    table_rows,
)
from ingestion.parse.pptx_shapes import TITLES, Design, Designs, P, box, list_styles, placeholder, shapes
from ingestion.parse.pptx_text import A, add_paragraphs, text_of
from ingestion.parse.reading_order import Box, reading_order
from ingestion.parse.tables import add_table, header_size
from rag.domain.content import BlockKind, ExtractedText

_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}chart"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}relIds"
# What stands on every slide alike: date, footer, slide number.
_FURNITURE = frozenset({"dt", "ftr", "sldNum", "hdr", "sldImg"})
_HIDDEN = frozenset({"0", "false"})


def parse_pptx(body: bytes) -> ExtractedText:
    """Hidden slides are left out and keep their number."""
    package = OfficePackage(body, label="PPTX file", main="ppt/presentation.xml")
    builder = TextBuilder()
    designs = Designs(package)
    title = ""
    for name in _slide_names(package):
        builder.open_page()
        tree = package.tree(name)
        if tree is None:
            raise package.damaged()
        if tree.get("show") not in _HIDDEN:
            slide = _Slide(builder, package, name, designs.of(name))
            slide.read(tree)
            title = title or slide.title
    extracted = builder.finish(PPTX, package.title())
    return extracted if extracted.title or not title else replace(extracted, title=title)


def _slide_names(package: OfficePackage) -> Iterator[str]:
    targets = {each.id: each.target for each in package.relationships(package.main_name)}
    for slide in package.main().iterfind(f"{P}sldIdLst/{P}sldId"):
        yield targets.get(slide.get(f"{_R}id", ""), "")


class _Slide:
    def __init__(self, builder: TextBuilder, package: OfficePackage, name: str, design: Design) -> None:
        self.title = ""
        self._builder = builder
        self._package = package
        self._name = name
        self._design = design
        self._targets = {each.id: each.target for each in package.relationships(name)}

    def read(self, slide: etree._Element) -> None:
        tree = slide.find(f"{P}cSld/{P}spTree")
        if tree is not None:
            rest = [shape for shape in shapes(tree) if not self._add_title(shape)]
            self._read_shapes(rest)
        notes = self._package.related(self._name, "notesSlide")
        if notes is not None:
            self._read_notes(notes)

    def _add_title(self, shape: etree._Element) -> bool:
        own = placeholder(shape)
        if own is None or own.type not in TITLES:
            return False
        text = one_line(" ".join(text_of(paragraph) for paragraph in shape.iter(f"{A}p")))
        self.title = self.title or text
        self._builder.add(BlockKind.HEADING, text, level=1 if own.type == "ctrTitle" else 2)
        return True

    def _read_shapes(self, group: list[etree._Element]) -> None:
        placed: list[tuple[Box, etree._Element]] = [(box(shape, self._design), shape) for shape in group]
        for _, shape in reading_order(placed):
            self._read_shape(shape)

    def _read_shape(self, shape: etree._Element) -> None:
        own = placeholder(shape)
        if own is not None and own.type in _FURNITURE:
            return
        if shape.tag == f"{P}grpSp":
            self._read_shapes(list(shapes(shape)))
        elif shape.tag == f"{P}graphicFrame":
            self._read_frame(shape)
        elif (body := shape.find(f"{P}txBody")) is not None:
            add_paragraphs(self._builder, body, list_styles(shape, self._design))

    def _read_frame(self, frame: etree._Element) -> None:
        for table in frame.iter(TABLE):
            self._add_table(table)
        for reference in frame.iter(_CHART):
            self._with_part(reference.get(f"{_R}id"), self._add_chart)
        for reference in frame.iter(_DIAGRAM):
            self._with_part(reference.get(f"{_R}dm"), self._add_diagram)

    def _add_table(self, table: etree._Element) -> None:
        rows = table_rows(table)
        add_table(self._builder, rows, header_rows=int(names_its_columns(table)) or header_size(rows))

    def _with_part(self, reference: str | None, add: Callable[[etree._Element], None]) -> None:
        part = self._package.tree(self._targets.get(reference or "", ""))
        if part is not None:
            add(part)

    def _add_chart(self, chart: etree._Element) -> None:
        self._builder.add(BlockKind.PARAGRAPH, chart_title(chart))
        add_table(self._builder, chart_rows(chart), header_rows=1)

    def _add_diagram(self, data: etree._Element) -> None:
        self._builder.set_apart()
        for text in diagram_texts(data):
            if text:
                self._builder.add(BlockKind.LIST_ITEM, one_line(f"- {text}"))
        self._builder.set_apart()

    def _read_notes(self, notes: etree._Element) -> None:
        for shape in notes.iter(f"{P}sp"):
            own = placeholder(shape)
            body = shape.find(f"{P}txBody")
            if own is not None and own.type == "body" and body is not None:
                add_paragraphs(self._builder, body, [])
