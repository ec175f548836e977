"""XLSX: sheets as pages, numbers as they are shown, merged cells, and files that blow up."""

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from ingestion.parse.builder import clean
from ingestion.parse.xlsx import parse_xlsx
from rag.domain.content import BlockKind, ExtractedText
from rag.errors import CorruptDocument, DocumentTooLarge, EmptyDocument


def saved(workbook: Workbook) -> bytes:
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def made(fill: Callable[[Worksheet], None], name: str = "Vendas") -> bytes:
    workbook = Workbook()
    sheet = workbook.active
    assert isinstance(sheet, Worksheet)
    sheet.title = name
    fill(sheet)
    return saved(workbook)


def rows(extracted: ExtractedText) -> list[str]:
    return [
        extracted.text[block.start : block.end]
        for block in extracted.blocks
        if block.kind is not BlockKind.HEADING
    ]


def with_member(body: bytes, name: str, change: Callable[[str], str]) -> bytes:
    """The archive with one member changed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as source, zipfile.ZipFile(buffer, "w") as target:
        for member in source.namelist():
            text = source.read(member)
            target.writestr(member, change(text.decode()) if member == name else text)
    return buffer.getvalue()


def test_sheets_are_pages_under_their_names() -> None:
    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    for name, cell in (("Janeiro", "um"), ("Vazia", None), ("Março", "três")):
        workbook.create_sheet(name)["B2"] = cell
    workbook.create_sheet("Oculta")["A1"] = "segredo"
    workbook["Oculta"].sheet_state = "hidden"
    extracted = parse_xlsx(saved(workbook))
    assert extracted.text == "Janeiro\n\n| um\n\nMarço\n\n| três".replace("| ", "")
    assert extracted.page_starts == (0, extracted.text.index("Março"), extracted.text.index("Março"))
    assert extracted.title == "Janeiro"


@pytest.mark.parametrize(
    ("value", "number_format", "shown"),
    [
        (date(2024, 3, 1), "dd/mm/yyyy", "2024-03-01"),
        (date(2024, 3, 1), "mmm-yy", "2024-03-01"),
        (datetime(2024, 3, 1, 14, 30), "yyyy-mm-dd hh:mm", "2024-03-01 14:30"),  # noqa: DTZ001 - as sheets have it
        (time(9, 5), "hh:mm", "09:05"),
        (timedelta(hours=30, minutes=15), "[h]:mm", "30:15"),
        (1234.5, "General", "1234.5"),
        (1234.500000000001, "0.00", "1234.5"),
        (0.1 + 0.2, "General", "0.3"),
        (1e15, "General", "1000000000000000"),
        (42, "General", "42"),
        (0.153, "0%", "15.3%"),
        (0.5, "0.00%", "50%"),
        (-3.5, '"R$" #,##0.00', "-3.5"),
        (8123, "00000", "08123"),
        (12345678909, r"000\.000\.000\-00", "123.456.789-09"),
        (5, '0" days"', "5"),
        (True, "General", "TRUE"),
        ("ação", "General", "ação"),
        ("a_x000D_\nb", "General", "a b"),
    ],
)
def test_values_are_shown_as_a_reader_sees_them(value: Any, number_format: str, shown: str) -> None:
    def fill(sheet: Worksheet) -> None:
        sheet["A1"] = value
        sheet["A1"].number_format = number_format

    assert rows(parse_xlsx(made(fill))) == [shown]


def test_merged_cells_repeat_their_text_and_header_rows_are_joined() -> None:
    def fill(sheet: Worksheet) -> None:
        for row in (
            ["Relatório", None, None],
            ["Região", "Vendas", None],
            [None, "2023", "2024"],
            ["Norte", 1, 2],
            [None, 3, 4],
        ):
            sheet.append(row)
        for merged in ("A1:C1", "A2:A3", "B2:C2", "A4:A5"):
            sheet.merge_cells(merged)

    extracted = parse_xlsx(made(fill))
    assert rows(extracted) == [
        "Relatório",
        "Região | Vendas / 2023 | Vendas / 2024",
        "Norte | 1 | 2",
        "Norte | 3 | 4",
    ]
    assert [block.header for block in extracted.blocks] == [False, False, True, False, False]


def test_a_formula_is_its_last_value() -> None:
    body = with_member(
        made(lambda sheet: sheet.append(["total", "=1+1"])),
        "xl/worksheets/sheet1.xml",
        lambda xml: (
            xml.replace("<v></v>", "<v>2</v>").replace("<v />", "<v>2</v>").replace("<v/>", "<v>2</v>")
        ),
    )
    assert rows(parse_xlsx(body)) == ["total | 2"]


def test_dates_since_1904() -> None:
    body = made(lambda sheet: sheet.append([date(2024, 3, 1)]))
    moved = with_member(
        body, "xl/workbook.xml", lambda xml: xml.replace("<workbookPr", '<workbookPr date1904="1"', 1)
    )
    assert rows(parse_xlsx(moved)) == ["2028-03-02"]


def test_two_cells_far_apart_take_no_memory() -> None:
    def fill(sheet: Worksheet) -> None:
        sheet["A1"] = "first"
        sheet["XFD1048576"] = "last"

    assert rows(parse_xlsx(made(fill))) == ["first", "last"]


def test_a_sheet_merged_as_a_whole_takes_no_time() -> None:
    def fill(sheet: Worksheet) -> None:
        for number in range(50):
            sheet.append([f"row {number}", "x"])

    merged = '</sheetData><mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>'
    body = with_member(
        made(fill),
        "xl/worksheets/sheet1.xml",
        lambda xml: xml.replace("</sheetData>", merged),
    )
    assert rows(parse_xlsx(body))[0].startswith("row 0 | x")


def test_too_many_cells_are_refused() -> None:
    cell = "<row><c r='XFC1' t='str'><v>x</v></c></row>"
    body = with_member(
        made(lambda sheet: sheet.append(["a"])),
        "xl/worksheets/sheet1.xml",
        lambda xml: xml.partition("<sheetData>")[0] + "<sheetData>" + cell * 400 + "</sheetData></worksheet>",
    )
    with pytest.raises(DocumentTooLarge, match="empty cells"):
        parse_xlsx(body)


@pytest.mark.parametrize("cell", ["<c r='ZZZ1'><v>1</v></c>", "<c r='A1' t='s'><v>x</v></c>", "<c r='A1'>"])
def test_damaged_sheets_are_corrupt(cell: str) -> None:
    body = with_member(
        made(lambda sheet: sheet.append(["a"])),
        "xl/worksheets/sheet1.xml",
        lambda xml: xml.partition("<sheetData>")[0] + f"<sheetData><row>{cell}</row></sheetData></worksheet>",
    )
    with pytest.raises(CorruptDocument):
        parse_xlsx(body)


def test_a_workbook_without_text_is_empty() -> None:
    with pytest.raises(EmptyDocument):
        parse_xlsx(saved(Workbook()))


_WORDS = st.sampled_from(["prazo", "ação", "a", "b", "verde", "norte"])
_CELLS = st.one_of(
    st.none(), st.lists(_WORDS, min_size=1, max_size=3).map(" ".join), st.integers(-(10**9), 10**9)
)
_SHEETS = st.lists(st.lists(st.lists(_CELLS, max_size=5), max_size=8), min_size=1, max_size=3)


@given(_SHEETS)
@settings(max_examples=40, deadline=None)
def test_every_word_comes_out_once_in_order_on_its_page(sheets: list[list[list[str | int | None]]]) -> None:
    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    for number, table in enumerate(sheets):
        sheet = workbook.create_sheet(f"Sheet{number}")
        for row in table:
            sheet.append(row)
    pages = [
        [clean(str(cell)).split() for row in table for cell in row if cell is not None] for table in sheets
    ]
    expected = [[word for cell in page for word in cell] for page in pages]
    if not any(expected):
        with pytest.raises(EmptyDocument):
            parse_xlsx(saved(workbook))
        return
    extracted = parse_xlsx(saved(workbook))
    bounds = [*extracted.page_starts, len(extracted.text)]
    for number, words in enumerate(expected):
        page = extracted.text[bounds[number] : bounds[number + 1]].split()
        if number == 0 or words:
            assert [word for word in page if word not in {"|", "/", f"Sheet{number}"}] == words
