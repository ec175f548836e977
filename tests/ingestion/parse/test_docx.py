"""DOCX: structure, numbering, tracked changes, and files that cannot be read."""

import io
import zipfile
from collections.abc import Mapping

import docx
import pytest
from docx.document import Document
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.parse import docx_package
from ingestion.parse.docx import parse_docx
from ingestion.parse.limits import MAX_MEMBER_BYTES
from rag.domain.content import BlockKind, ExtractedText
from rag.errors import CorruptDocument, DocumentTooLarge, EmptyDocument

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
        docx_package.Package(b"PK\x03\x04 not a zip")


_WORDS = st.lists(st.text("abcdefgáéõç", min_size=1, max_size=6), min_size=1, max_size=6)
_KINDS = st.sampled_from(["paragraph", "heading", "List Bullet", "List Number", "table"])


@given(st.lists(st.tuples(_KINDS, _WORDS), min_size=1, max_size=6))
@settings(max_examples=25, deadline=None)
def test_words_come_out_once_and_in_order(parts: list[tuple[str, list[str]]]) -> None:
    document = docx.Document()
    expected = []
    for index, (kind, words) in enumerate(parts):
        marked = [f"{word}{index}x{position}" for position, word in enumerate(words)]
        expected += marked
        if kind == "table":
            table = document.add_table(1, len(marked))
            for cell, word in zip(table.rows[0].cells, marked, strict=True):
                cell.text = word
        elif kind == "heading":
            document.add_heading(" ".join(marked), 2)
        else:
            document.add_paragraph(" ".join(marked), style=None if kind == "paragraph" else kind)
    text = parse_docx(saved(document)).text
    assert [word for word in text.split() if word in expected] == expected
