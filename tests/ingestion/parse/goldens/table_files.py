"""CSV, TSV, XLSX, ODS, JSON, JSON lines and XML."""

import datetime as dt
import io

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet

from tests.ingestion.parse.goldens.golden import Golden, packed
from tests.ingestion.parse.goldens.odf import odf, ods_cell
from tests.ingestion.parse.goldens.plain_files import encoded

_ORDERS = """<?xml version="1.0" encoding="UTF-8"?>
<!-- exported on Monday -->
<pedidos><pedido id="1"><cliente>Ana Souza</cliente><valor moeda="BRL">10,50</valor></pedido>
<pedido id="2"><cliente>João Lima</cliente><valor moeda="BRL">7,00</valor></pedido></pedidos>"""


def workbook(book: openpyxl.Workbook) -> bytes:
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _first_sheet(book: openpyxl.Workbook) -> Worksheet:
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    return sheet


def _sales() -> bytes:
    book = openpyxl.Workbook()
    sheet = _first_sheet(book)
    sheet.title = "Vendas"
    sheet.append(["Data", "Produto", "Preço", "Desconto"])
    sheet.append([dt.date(2024, 3, 5), "Café", 1234.5, 0.1])
    sheet.append([dt.date(2024, 12, 31), "Açúcar", 0.1 + 0.2, 0.25])
    for row in ("D2", "D3"):
        sheet[row].number_format = "0%"
    stock = book.create_sheet("Estoque")
    stock.append(["Item", "Quantidade"])
    stock.append(["Filtro", 7])
    return workbook(book)


def _hidden_sheet() -> bytes:
    book = openpyxl.Workbook()
    _first_sheet(book).append(["visible words"])
    hidden = book.create_sheet("Secret")
    hidden.append(["hidden words"])
    hidden.sheet_state = "hidden"
    return workbook(book)


def _merged() -> bytes:
    book = openpyxl.Workbook()
    sheet = _first_sheet(book)
    sheet.append(["Region", "2023", None, "2024", None])
    sheet.append([None, "H1", "H2", "H1", "H2"])
    sheet.append(["North", 1, 2, 3, 4])
    sheet.append(["South", 5, 6, 7, 8])
    for cells in ("A1:A2", "B1:C1", "D1:E1"):
        sheet.merge_cells(cells)
    return workbook(book)


def _gaps() -> bytes:
    """A table that begins at D5, with an empty column in it."""
    book = openpyxl.Workbook()
    sheet = _first_sheet(book)
    for row, cells in enumerate([("Name", None, "City"), ("Ann", None, "Oslo"), ("Bob", None, "Bergen")]):
        for column, cell in enumerate(cells):
            sheet.cell(row=5 + row, column=4 + column, value=cell)
    return workbook(book)


def _formula_without_value() -> bytes:
    book = openpyxl.Workbook()
    sheet = _first_sheet(book)
    sheet.append(["Total", "=SUM(B2:B3)"])
    sheet.append(["Rent", 10])
    return workbook(book)


def _ods() -> bytes:
    blank = '<table:table-cell table:number-columns-repeated="16384"/>'
    census = (
        f"<table:table-row>{ods_cell('Cidade')}{ods_cell('População')}</table:table-row>"
        f"<table:table-row>{ods_cell('Recife')}{ods_cell('1.488.920')}</table:table-row>"
        f'<table:table-row table:number-rows-repeated="1048000">{blank}</table:table-row>'
    )
    sources = f"<table:table-row>{ods_cell('IBGE 2022')}</table:table-row>"
    return odf(
        "spreadsheet",
        f'<table:table table:name="Censo">{census}</table:table>'
        f'<table:table table:name="Fontes">{sources}</table:table>',
    )


def _ods_bomb() -> bytes:
    row = (
        '<table:table-row table:number-rows-repeated="1000000">'
        '<table:table-cell table:number-columns-repeated="16000"><text:p>x</text:p></table:table-cell>'
        "</table:table-row>"
    )
    return odf("spreadsheet", f'<table:table table:name="B">{row}</table:table>')


GOLDENS = (
    Golden(
        name="prices.csv",
        make=encoded('sku,name,price\nA-1,"Screw, long",0.10\nA-2,"Nail ""big""",0.25\n', "utf-8"),
        header=("sku", "name", "price"),
        rows=(("A-1", "Screw, long", "0.10"), ("A-2", 'Nail "big"', "0.25")),
    ),
    Golden(
        name="precos-latin1.csv",
        make=encoded("Produto;Preço\nCafé;12,50\nAçúcar;4,99\nPão;0,80\n", "latin-1"),
        header=("Produto", "Preço"),
        rows=(("Café", "12,50"), ("Açúcar", "4,99"), ("Pão", "0,80")),
    ),
    Golden(
        name="quoted-newline.csv",
        make=encoded('id,remark\r\n1,"two\r\nlines"\r\n2,one\r\n', "utf-8-sig"),
        header=("id", "remark"),
        rows=(("1", "two lines"), ("2", "one")),
        absent=("\ufeff",),
    ),
    Golden(
        name="ragged.csv",
        make=encoded("name,city,zip\nAnn,Oslo\nBob,Bergen,5003,extra\n", "utf-8"),
        present=("Ann", "Oslo", "Bob", "Bergen", "5003", "extra"),
    ),
    Golden(
        name="pipes.csv",
        make=encoded("code|label\n10|red\n20|green\n30|blue\n", "utf-8"),
        header=("code", "label"),
        rows=(("10", "red"), ("30", "blue")),
    ),
    Golden(
        name="no-header.csv",
        make=encoded("1,2.5,3\n4,5.5,6\n7,8.5,9\n", "utf-8"),
        rows=(("1", "2.5", "3"), ("7", "8.5", "9")),
    ),
    Golden(
        name="genes.tsv",
        make=encoded("gene\tlength\nBRCA1\t81189\nTP53\t19149\n", "utf-8"),
        header=("gene", "length"),
        rows=(("BRCA1", "81189"), ("TP53", "19149")),
    ),
    Golden(
        name="escolas.tsv",
        make=encoded("escola\tcidade\nSão José\tMaringá\nÁgua Viva\tGoiânia\n", "cp1252"),
        rows=(("São José", "Maringá"), ("Água Viva", "Goiânia")),
    ),
    Golden(
        name="vendas.xlsx",
        make=_sales,
        header=("Data", "Produto", "Preço", "Desconto"),
        rows=(("2024-03-05", "Café", "1234.5", "10%"), ("2024-12-31", "Açúcar", "0.3", "25%")),
        present=("Vendas", "Café", "Estoque", "Filtro"),
        absent=("45356", "0.30000000000000004", "00:00:00"),
        pages=(("Café", 1), ("Filtro", 2)),
        page_count=2,
    ),
    Golden(
        name="hidden-sheet.xlsx", make=_hidden_sheet, present=("visible words",), absent=("hidden words",)
    ),
    Golden(
        name="merged.xlsx",
        make=_merged,
        header=("Region", "2023", "H1", "H2", "2024"),
        rows=(("North", "1", "2", "3", "4"), ("South", "5", "6", "7", "8")),
        absent=("None",),
    ),
    Golden(
        name="gaps.xlsx",
        make=_gaps,
        header=("Name", "City"),
        rows=(("Ann", "Oslo"), ("Bob", "Bergen")),
        absent=("|  |",),
    ),
    Golden(
        name="formula.xlsx", make=_formula_without_value, present=("Total", "Rent", "10"), absent=("None",)
    ),
    Golden(name="empty.xlsx", make=lambda: workbook(openpyxl.Workbook()), code="empty"),
    Golden(name="broken.xlsx", make=lambda: _sales()[:2_000], code="corrupt"),
    Golden(
        name="censo.ods",
        make=_ods,
        header=("Cidade", "População"),
        rows=(("Recife", "1.488.920"),),
        pages=(("Recife", 1), ("IBGE 2022", 2)),
        page_count=2,
    ),
    Golden(name="bomb.ods", make=_ods_bomb, code="too_large"),
    Golden(
        name="product.json",
        make=encoded(
            '{"name": "Drill", "tags": ["tool", "power"], "maker": {"name": "Acme", "city": "Köln"},'
            ' "prices": [{"currency": "EUR", "amount": 99.9}, {"currency": "USD", "amount": 110}]}',
            "utf-8",
        ),
        present=("Drill", "tool", "power", "Acme", "Köln", "EUR", "99.9", "USD", "110"),
        rows=(("EUR", "99.9"), ("USD", "110")),
    ),
    Golden(
        name="lei.json",
        make=encoded('{"lei": "8.666/93", "vigente": false, "ementa": "Licita\\u00e7\\u00f5es"}', "utf-8"),
        present=("8.666/93", "Licitações"),
        absent=("\\u00e7",),
    ),
    Golden(name="cut.json", make=encoded('{"a": [1, 2', "utf-8"), code="corrupt"),
    Golden(
        name="events.jsonl",
        make=encoded('{"event": "login", "user": "ana"}\n{"event": "logout", "user": "rui"}\n', "utf-8"),
        present=("login", "ana", "logout", "rui"),
    ),
    Golden(
        name="pedidos.xml",
        make=encoded(_ORDERS, "utf-8"),
        present=("Ana Souza", "10,50", "João Lima", "7,00"),
        absent=("exported on Monday", "<cliente>"),
    ),
    Golden(
        name="entities.xml",
        make=encoded(
            '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
            "<r><name>Public &amp; open</name><leak>&x;</leak></r>",
            "utf-8",
        ),
        present=("Public & open",),
        absent=("root:",),
    ),
    Golden(name="cut.xml", make=encoded('<?xml version="1.0"?><a><b>text</b>', "utf-8"), code="corrupt"),
    Golden(name="archive.zip", make=lambda: packed({"a.bin": b"\0\1"}), code="unsupported_media_type"),
)
