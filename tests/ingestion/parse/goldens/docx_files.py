"""DOCX: headings, nested lists, merged cells, notes, tracked changes, damage."""

import io
from collections.abc import Callable

import docx
from docx.document import Document
from docx.oxml import parse_xml
from docx.table import Table

from tests.ingestion.parse.goldens.golden import Golden, packed

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def saved(document: Document) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def _made(write: Callable[[Document], None]) -> Callable[[], bytes]:
    def make() -> bytes:
        document = docx.Document()
        write(document)
        return saved(document)

    return make


def _fill(table: Table, rows: list[list[str]]) -> None:
    for row, texts in zip(table.rows, rows, strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            if text:
                cell.text = text


def _contract(document: Document) -> None:
    document.core_properties.title = "Contrato de locação"
    document.sections[0].header.paragraphs[0].text = "Imobiliária Horizonte"
    document.sections[0].footer.paragraphs[0].text = "rubrica das partes"
    document.add_heading("Contrato de locação", 0)
    document.add_heading("Do imóvel", 1)
    document.add_paragraph("Cláusula 1ª. O imóvel fica na Rua das Flores, nº 12.")
    document.add_heading("Do prazo", 2)
    document.add_paragraph("O prazo é de 30 meses.")
    document.add_heading("Do preço", 1)
    document.add_paragraph("O aluguel é de R$ 2.500,00.")


def _lists(document: Document) -> None:
    document.add_paragraph("Groceries", style="List Bullet")
    document.add_paragraph("Fruit", style="List Bullet 2")
    document.add_paragraph("Apples", style="List Bullet 3")
    document.add_paragraph("Hardware", style="List Bullet")
    document.add_paragraph("First step", style="List Number")
    document.add_paragraph("Second step", style="List Number")


def _merged(document: Document) -> None:
    table = document.add_table(4, 3)
    table.style = "Table Grid"
    rows = [["Area", "Score", ""], ["", "2023", "2024"], ["East", "7", "8"], ["", "9", "10"]]
    _fill(table, rows)
    table.cell(0, 0).merge(table.cell(1, 0))
    table.cell(0, 1).merge(table.cell(0, 2))
    table.cell(2, 0).merge(table.cell(3, 0))
    for row in (0, 1):
        properties = table.rows[row]._tr.get_or_add_trPr()  # noqa: SLF001 - python-docx has no other way
        properties.append(parse_xml(f"<w:tblHeader {_W}/>"))


def _nested(document: Document) -> None:
    table = document.add_table(1, 2)
    table.cell(0, 0).text = "outer words"
    inner = table.cell(0, 1).add_table(1, 2)
    _fill(inner, [["inner one", "inner two"]])


def _changes() -> bytes:
    body = (
        "<w:p><w:r><w:t xml:space='preserve'>The fee is </w:t></w:r>"
        "<w:del><w:r><w:delText>one hundred</w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t>ninety</w:t></w:r></w:ins><w:r><w:t xml:space='preserve'> dollars.</w:t></w:r>"
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden remark</w:t></w:r></w:p>"
    )
    return packed({"word/document.xml": f"<w:document {_W}><w:body>{body}</w:body></w:document>"})


GOLDENS = (
    Golden(
        name="contrato.docx",
        make=_made(_contract),
        title="Contrato de locação",
        headings=("Contrato de locação", "Do imóvel", "Do prazo", "Do preço"),
        present=("Rua das Flores, nº 12", "30 meses", "R$ 2.500,00"),
        absent=("Imobiliária Horizonte", "rubrica das partes"),
    ),
    Golden(
        name="lists.docx",
        make=_made(_lists),
        items=("Groceries", "Fruit", "Apples", "Hardware", "First step", "Second step"),
        present=("1. First step", "2. Second step"),
    ),
    Golden(
        name="merged.docx",
        make=_made(_merged),
        header=("Area", "Score", "2023", "2024"),
        rows=(("East", "7", "8"), ("East", "9", "10")),
    ),
    Golden(name="nested-table.docx", make=_made(_nested), present=("outer words", "inner one", "inner two")),
    Golden(name="changes.docx", make=_changes, text="The fee is ninety dollars."),
    Golden(name="empty.docx", make=_made(lambda _: None), code="empty"),
    Golden(name="cut.docx", make=lambda: _changes()[:200], code="corrupt"),
    Golden(name="not-xml.docx", make=lambda: packed({"word/document.xml": "<w:document"}), code="corrupt"),
    Golden(name="text-as.docx", make=lambda: b"just words", code="corrupt"),
)
