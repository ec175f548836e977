"""XLSX: each visible sheet as a page under its name, its rows as they are shown."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import chain

from lxml import etree

from ingestion.parse.builder import TextBuilder
from ingestion.parse.media_type import XLSX
from ingestion.parse.package import OfficePackage
from ingestion.parse.tables import add_tables
from ingestion.parse.xlsx_numbers import Formats
from ingestion.parse.xlsx_sheet import Sheet, SheetReader, rich_text
from rag.domain.content import BlockKind, ExtractedText
from rag.errors import CorruptDocument

_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_SAFE = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
_DAMAGED = "The XLSX file is damaged. Open it in the program it comes from and save it again."


def parse_xlsx(body: bytes) -> ExtractedText:
    package = OfficePackage(body, label="XLSX file", main="xl/workbook.xml")
    workbook = package.main()
    builder = TextBuilder()
    try:
        reader = SheetReader(shared_texts=_shared_texts(package), formats=_formats(package, workbook))
        for sheet in _visible_sheets(package, workbook):
            _add_sheet(builder, sheet, reader)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise CorruptDocument(_DAMAGED) from error
    return builder.finish(XLSX, package.title())


def _add_sheet(builder: TextBuilder, sheet: Sheet, reader: SheetReader) -> None:
    builder.open_page()
    rows = reader.rows(sheet)
    first = next(rows, None)
    if first is None:
        return
    builder.add(BlockKind.HEADING, sheet.name, level=1)
    add_tables(builder, chain([first], rows), merged=sheet.has_merged_cells)


@dataclass(frozen=True, kw_only=True)
class _Part:
    kind: str
    target: str


def _visible_sheets(package: OfficePackage, workbook: etree._Element) -> Iterator[Sheet]:
    """Hidden sheets are left out: whoever sends the workbook sees them no more than its readers do."""
    parts = {
        each.id: _Part(kind=each.kind, target=each.target)
        for each in package.relationships(package.main_name)
    }
    for element in workbook.iter("{*}sheet"):
        part = parts.get(element.get(_ID, ""))
        if part is None or part.kind != "worksheet" or element.get("state", "visible") != "visible":
            continue
        data = package.read(part.target)
        if data is None:
            raise CorruptDocument(_DAMAGED)
        yield Sheet(name=element.get("name", ""), data=data)


def _shared_texts(package: OfficePackage) -> list[str]:
    """The texts that cells refer to by number."""
    target = package.target(package.main_name, "sharedStrings")
    data = package.read(target) if target else None
    found: list[str] = []
    if data is None:
        return found
    for _, item in etree.iterparse(BytesIO(data), tag="{*}si", **_SAFE):
        found.append(rich_text(item))
        item.clear(keep_tail=False)
        while item.getprevious() is not None:
            del item.getparent()[0]
    return found


def _formats(package: OfficePackage, workbook: etree._Element) -> Formats:
    properties = workbook.find("{*}workbookPr")
    since_1904 = properties is not None and properties.get("date1904") in {"1", "true"}
    return Formats.of(package.related(package.main_name, "styles"), since_1904=since_1904)
