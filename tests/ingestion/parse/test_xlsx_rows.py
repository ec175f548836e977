"""However a sheet's XML is written, the same rows come out, and what is unsound is refused."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from ingestion.parse.xlsx_numbers import Formats
from ingestion.parse.xlsx_rows import Usual, decoded, rows_of
from ingestion.parse.xlsx_sheet import Sheet, SheetReader

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OPENING = f'<worksheet xmlns="{_MAIN}" xmlns:x="{_MAIN}"><sheetData>'
_ENDING = "</sheetData></worksheet>"
_ROW = (
    '<row r="1" spans="1:2"><c r="A1"><v>1</v></c>'
    '<c r="B1" t="str"><f>A1&amp;""</f><v>&lt;um&gt;</v></c><c r="C1" s="0"/></row>'
)
_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="�￾￿"))


def read(xml: str) -> list[list[str]]:
    reader = SheetReader(shared_texts=["um", "dois"], formats=Formats.of(None, since_1904=False))
    return list(reader.rows(Sheet(name="", data=xml.encode())))


def as_lxml_reads(xml: str) -> list[list[str]]:
    """The same through lxml: a comment is nothing that programs write."""
    return read(xml.replace("<sheetData>", "<sheetData><!-- one by one -->"))


def is_usual(xml: str) -> bool:
    return all(isinstance(some, Usual) for some in rows_of(xml.encode()))


def cell(column: int, row: int, shown: str) -> str:
    text = shown.replace("&", "&amp;").replace("<", "&lt;").replace("]]>", "]]&gt;")
    return f'<c r="{"ABCDEF"[column]}{row}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


@given(st.lists(st.lists(_TEXTS, max_size=6), max_size=6))
def test_both_ways_read_the_same(rows: Sequence[Sequence[str]]) -> None:
    body = "".join(
        f'<row r="{number}">{"".join(cell(column, number, text) for column, text in enumerate(row))}</row>'
        for number, row in enumerate(rows, start=1)
    )
    xml = f"{_OPENING}{body}{_ENDING}"
    assert is_usual(xml)
    assert read(xml) == as_lxml_reads(xml)


@pytest.mark.parametrize(
    "number", ["1", "-5", "1.37", "1.0", "0.1", "1E3", "1e-7", "00012", "1.50", "12345678901234567"]
)
def test_numbers_are_shown_the_same(number: str) -> None:
    xml = f'{_OPENING}<row r="1"><c r="A1"><v>{number}</v></c></row>{_ENDING}'
    assert is_usual(xml)
    assert read(xml) == as_lxml_reads(xml)


def test_what_programs_write_is_read_by_the_expression() -> None:
    assert is_usual(f"{_OPENING}{_ROW}{_ENDING}")
    assert read(f"{_OPENING}{_ROW}{_ENDING}") == [["1", "<um>", ""]]


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ("<row><c><v>1</v></c></row>", ["1"]),
        ("<row r='1'><c r='A1'><v>1</v></c></row>", ["1"]),
        ('<x:row r="1"><x:c r="A1"><x:v>1</x:v></x:c></x:row>', ["1"]),
        ('<row r="1"><c r="A1"><!-- one --><v>1</v></c></row>', ["1"]),
        ('<row r="1"><c r="A1" t="str"><v><![CDATA[<c r="B1">]]></v></c></row>', ['<c r="B1">']),
        ('<row r="1"><c r="A1" note="/>"><v>1</v></c></row>', ["1"]),
        ('<row r="1"><c r="A1" note= "/>"><v>1</v></c></row>', ["1"]),
        ('<row r="1"><c r="A1" note="a/>"><v>1</v></c></row>', ["1"]),
        ('<row r="1"><c r="A1" note="a>"><v>1</v></c></row>', ["1"]),
        ('<row r="1">\n  <c r="A1">\n    <v>1</v>\n  </c>\n</row>', ["1"]),
        ('<row r="1"><c r="A1" t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r></is></c></row>', ["ab"]),
    ],
)
def test_what_they_do_not_is_read_as_well(row: str, shown: list[str]) -> None:
    xml = f"{_OPENING}{row}{_ENDING}"
    assert not is_usual(xml)
    assert read(xml) == [shown]


@pytest.mark.parametrize("end", ["", "</sheetData>", "</row></sheetData></worksheet>", "&unknown;" + _ENDING])
def test_unsound_xml_is_refused(end: str) -> None:
    with pytest.raises(etree.XMLSyntaxError):
        read(f"{_OPENING}{_ROW}{end}")


def test_references_are_replaced_once() -> None:
    assert decoded("&amp;lt;&#65;&#x42;&quot;") == '&lt;AB"'
    row = '<row r="1"><c r="A1" t="str"><v>&amp;#233;&#233;&#0060;</v></c></row>'
    assert read(f"{_OPENING}{row}{_ENDING}") == [["&#233;é<"]]
