"""DOCX: structure, numbering, tracked changes, and files that cannot be read."""

import io
import zipfile
from collections.abc import Mapping

import docx
import pytest
from docx.document import Document
from hypothesis import given, settings

from ingestion.parse.docx import parse_docx
from ingestion.parse.limits import MAX_MEMBER_BYTES
from rag.domain.content import BlockKind, ExtractedText
from rag.errors import CorruptDocument, DocumentTooLarge, EmptyDocument
from tests.ingestion.parse.sections import Section, assert_words, sections

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def saved(document: Document) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def packed(parts: Mapping[str, str], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as writer:
        for name, part in parts.items():
            writer.writestr(name, part)
    return buffer.getvalue()


def written(body: str, **parts: str) -> bytes:
    """A package of a main part with this body, and other parts of word/ with their relationships."""
    relationships = "".join(
        f'<Relationship Id="{name}" Type="http://x/{name}" Target="{name}.xml"/>' for name in parts
    )
    opening = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    return packed(
        {
            "word/document.xml": f"<w:document {_W}><w:body>{body}</w:body></w:document>",
            "word/_rels/document.xml.rels": f"{opening}{relationships}</Relationships>",
            **{f"word/{name}.xml": part for name, part in parts.items()},
        }
    )


def paragraph(text: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def texts(extracted: ExtractedText) -> list[tuple[BlockKind, int, str]]:
    return [(block.kind, block.level, extracted.text[block.start : block.end]) for block in extracted.blocks]


def test_a_document_of_a_word_processor() -> None:
    document = docx.Document()
    document.core_properties.title = "Política de privacidade"
    document.add_heading("Introdução", 1)
    document.add_paragraph("Primeiro parágrafo.")
    document.add_paragraph("item", style="List Bullet")
    document.add_heading("Preços", 2)
    table = document.add_table(2, 2)
    for row, texts_of_row in zip(table.rows, [["Plano", "Preço"], ["Básico", "R$ 1"]], strict=True):
        for cell, text in zip(row.cells, texts_of_row, strict=True):
            cell.text = text
    extracted = parse_docx(saved(document))
    assert extracted.title == "Política de privacidade"
    assert texts(extracted) == [
        (BlockKind.HEADING, 1, "Introdução"),
        (BlockKind.PARAGRAPH, 0, "Primeiro parágrafo."),
        (BlockKind.LIST_ITEM, 0, "- item"),
        (BlockKind.HEADING, 2, "Preços"),
        (BlockKind.TABLE_ROW, 0, "Plano | Preço"),
        (BlockKind.TABLE_ROW, 0, "Básico | R$ 1"),
    ]
    assert extracted.blocks[4].header


@pytest.mark.parametrize(
    "style",
    [
        '<w:style w:styleId="A b"><w:name w:val="heading 2"/></w:style>',
        "<w:style w:styleId='A b'><w:name w:val='heading 2'/></w:style>",
        '<w:style w:type="x"\nw:styleId="A b" ><!-- </w:style> --><w:name w:val="heading 2"/></w:style>',
        '<w:style w:styleId="A b"><w:rsid w:val="x>y"/><w:name w:val="heading 2"/></w:style>',
        '<w:style w:styleId="0"/><w:style w:styleId="A b"><w:name w:val="heading 2"/></w:style>',
        '<!-- <w:style w:styleId="A b"/> --><w:style w:styleId="A b"><w:name w:val="heading 2"/></w:style>',
    ],
)
@pytest.mark.parametrize("name", ["A b", "Ab", "É"])
def test_a_style_is_found_however_it_is_written(style: str, name: str) -> None:
    styles = f"<w:styles {_W} note='u>1'>{style.replace('A b', name)}</w:styles>"
    body = f'<w:p><w:pPr><w:pStyle w:val="{name}"/></w:pPr><w:r><w:t>Term</w:t></w:r></w:p>'
    assert [level for _, level, _ in texts(parse_docx(written(body, styles=styles)))] == [2]


def test_localised_and_inherited_heading_styles() -> None:
    styles = (
        f'<w:styles {_W}><w:style w:styleId="Ttulo2"><w:name w:val="Título 2"/></w:style>'
        '<w:style w:styleId="Meu"><w:name w:val="Meu"/><w:basedOn w:val="Ttulo2"/></w:style>'
        '<w:style w:styleId="X"><w:name w:val="X"/><w:pPr><w:outlineLvl w:val="2"/></w:pPr></w:style>'
        '<w:style w:styleId="TOC1"><w:name w:val="toc 1"/></w:style></w:styles>'
    )
    body = "".join(
        paragraph(f"style {name}", f'<w:pStyle w:val="{name}"/>')
        for name in ("Ttulo2", "Meu", "X", "TOC1", "Heading1")
    )
    body += paragraph("outline", '<w:outlineLvl w:val="3"/>') + paragraph("body", '<w:outlineLvl w:val="9"/>')
    levels = [level for _, level, _ in texts(parse_docx(written(body, styles=styles)))]
    assert levels == [2, 2, 3, 1, 4, 0]


def test_numbers_are_counted_as_shown() -> None:
    numbering = (
        f'<w:numbering {_W}><w:abstractNum w:abstractNumId="7">'
        '<w:lvl w:ilvl="0"><w:start w:val="3"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>'
        '<w:lvl w:ilvl="1"><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="%1.%2)"/></w:lvl>'
        '<w:lvl w:ilvl="2"><w:numFmt w:val="upperRoman"/><w:lvlText w:val="%3"/></w:lvl>'
        '</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num></w:numbering>'
    )
    body = "".join(
        paragraph("x", f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="1"/></w:numPr>')
        for depth in (0, 1, 1, 0, 1, 2, 2)
    )
    extracted = parse_docx(written(body, numbering=numbering))
    assert extracted.text == "3. x\n  3.a) x\n  3.b) x\n4. x\n  4.a) x\n    I x\n    II x"


def test_deletions_and_second_copies_are_left_out_and_insertions_kept() -> None:
    body = (
        "<w:p><w:r><w:t>keep </w:t></w:r>"
        "<w:del><w:r><w:t>deleted</w:t><w:delText>deleted</w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t>inserted</w:t></w:r></w:ins><w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r>"
        '<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><mc:Choice>'
        f"<w:txbxContent>{paragraph('box')}</w:txbxContent></mc:Choice><mc:Fallback>"
        f"<w:txbxContent>{paragraph('box')}</w:txbxContent></mc:Fallback></mc:AlternateContent></w:p>"
    )
    assert parse_docx(written(body)).text == "keep inserted\n\nbox"


def test_notes_follow_the_text() -> None:
    notes = (
        f'<w:footnotes {_W}><w:footnote w:type="separator">{paragraph("---")}</w:footnote>'
        f"<w:footnote>{paragraph('A note.')}</w:footnote></w:footnotes>"
    )
    assert parse_docx(written(paragraph("Text."), footnotes=notes)).text == "Text.\n\nA note."


def test_a_table_of_one_column_is_a_frame() -> None:
    body = f"<w:tbl><w:tr><w:tc>{paragraph('a')}{paragraph('b')}</w:tc></w:tr></w:tbl>"
    assert parse_docx(written(body)).text == "a\n\nb"


def test_entities_are_not_resolved() -> None:
    part = (
        '<!DOCTYPE d [<!ENTITY a "bomb"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
        f"<w:document {_W}><w:body>{paragraph('safe &a; &f;')}</w:body></w:document>"
    )
    text = parse_docx(packed({"word/document.xml": part})).text
    assert "safe" in text
    assert "bomb" not in text
    assert "root" not in text


def test_a_part_that_unpacks_to_too_much_is_refused() -> None:
    body = packed({"word/document.xml": " " * (MAX_MEMBER_BYTES + 1)})
    assert len(body) < 1_000_000
    with pytest.raises(DocumentTooLarge):
        parse_docx(body)


def test_a_part_that_hides_its_size_is_refused() -> None:
    body = packed({"word/document.xml": " " * (MAX_MEMBER_BYTES + 1)})
    claimed = body.replace((MAX_MEMBER_BYTES + 1).to_bytes(4, "little"), (1_000).to_bytes(4, "little"))
    with pytest.raises((DocumentTooLarge, CorruptDocument)):
        parse_docx(claimed)


@pytest.mark.parametrize(
    "parts",
    [
        {"word/other.xml": "<a/>"},
        {"word/document.xml": "<not closed"},
        {"word/document.xml": ""},
        {"word/document.xml": "<a/>", "_rels/.rels": "<broken"},
        {"word/document.xml": "<a>" * 1_000},
    ],
)
def test_damaged_packages_are_corrupt(parts: dict[str, str]) -> None:
    with pytest.raises(CorruptDocument):
        parse_docx(packed(parts))


def test_no_text() -> None:
    with pytest.raises(EmptyDocument):
        parse_docx(written("<w:p/>"))


def test_messages_say_what_to_do() -> None:
    with pytest.raises(CorruptDocument, match="save it again"):
        parse_docx(b"PK\x03\x04 not a zip")


def written_document(written: list[Section]) -> Document:
    document = docx.Document()
    for section in written:
        document.add_heading(section.heading, 2)
        for text in section.paragraphs:
            document.add_paragraph(text)
        for text in section.items:
            document.add_paragraph(text, style="List Bullet")
        if section.rows:
            table = document.add_table(len(section.rows), len(section.rows[0]))
            cells = [cell for row in table.rows for cell in row.cells]
            for cell, text in zip(cells, (text for row in section.rows for text in row), strict=True):
                cell.text = text
    return document


@given(sections())
@settings(max_examples=25, deadline=None)
def test_words_come_out_once_in_order_under_their_heading(written: list[Section]) -> None:
    assert_words(parse_docx(saved(written_document(written))), written)


def test_merged_cells_stand_in_each_of_their_places() -> None:
    def cell(text: str, properties: str = "") -> str:
        return f"<w:tc><w:tcPr>{properties}</w:tcPr>{paragraph(text)}</w:tc>"

    wide = '<w:gridSpan w:val="2"/>'
    down, on = '<w:vMerge w:val="restart"/>', "<w:vMerge/>"
    body = (
        "<w:tbl>"
        f"<w:tr>{cell('East', down)}{cell('wide', wide)}</w:tr>"
        f"<w:tr>{cell('', on)}{cell('7')}{cell('8')}</w:tr>"
        f'<w:tr><w:trPr><w:gridBefore w:val="1"/></w:trPr>{cell("9")}{cell("10")}</w:tr>'
        "</w:tbl>"
    )
    assert parse_docx(written(body)).text == "East | wide | wide\nEast | 7 | 8\n| 9 | 10"


def test_several_rows_marked_as_header_are_one() -> None:
    mark = "<w:trPr><w:tblHeader/></w:trPr>"
    rows = [("a", "b"), ("c", "d"), ("1", "2")]
    cells = ["".join(f"<w:tc>{paragraph(text)}</w:tc>" for text in row) for row in rows]
    body = "".join(f"<w:tr>{mark if index < 2 else ''}{row}</w:tr>" for index, row in enumerate(cells))
    extracted = parse_docx(written(f"<w:tbl>{body}</w:tbl>"))
    assert extracted.text == "a / c | b / d\n1 | 2"
    assert [block.header for block in extracted.blocks] == [True, False]


def test_a_paragraph_in_the_style_of_a_table() -> None:
    """No program writes it, but the style says what it is called."""
    styles = (
        f'<w:styles {_W}><w:style w:type="table" w:styleId="T1"><w:name w:val="heading 2"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="P1"><w:name w:val="heading 1"/></w:style></w:styles>'
    )
    body = paragraph("Um", '<w:pStyle w:val="P1"/>') + paragraph("Dois", '<w:pStyle w:val="T1"/>')
    assert texts(parse_docx(written(body, styles=styles))) == [
        (BlockKind.HEADING, 1, "Um"),
        (BlockKind.HEADING, 2, "Dois"),
    ]
