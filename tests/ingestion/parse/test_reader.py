"""Whatever the bytes, parsing gives exact blocks or a DocumentRejected; and so do real files."""

import io
import subprocess
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from reportlab.pdfgen.canvas import Canvas

from ingestion.chunk import chunk
from ingestion.parse import builder
from ingestion.parse.reader import parse
from rag.domain.content import BlockKind, ExtractedText
from rag.domain.documents import Chunking
from rag.errors import DocumentRejected, DocumentTooLarge, EmptyDocument

_REAL = Path(__file__).parents[4] / "shared" / "data" / "documents"
_REJECTED = {
    "MEDRPT-2024-PAT-3847_medical_report_scan.md": "empty",
    "MEDRPT-2024-PAT-3847_medical_report_scan.pdf": "no_text_layer",
    "duplicate-paragraphs.doc": "unsupported_media_type",
    "empty.docx": "empty",
    "empty.eml": "empty",
    "empty.txt": "empty",
    "empty.xlsx": "empty",
    "external-picture.docx": "empty",
    "fake-doc-emphasized-text.doc": "unsupported_media_type",
    "fake-encrypted.eml": "encrypted",
    "fake-text-all-whitespace.txt": "empty",
    "fake.doc": "unsupported_media_type",
    "loremipsum-flat.pdf": "no_text_layer",
    "password.pdf": "encrypted",
    "password_protected.xlsx": "encrypted",
    "picture.pptx": "empty",
    "pptx_multiple_images.pptx": "empty",
    "simple.doc": "unsupported_media_type",
    "single_table.pdf": "no_text_layer",
    "table-multi-row-column-cells.pdf": "no_text_layer",
    "test-image-jpg-mime.pptx": "empty",
    "test.xls": "unsupported_media_type",
    "tests-example.xls": "unsupported_media_type",
    "tiny-picture-target-base-relative.docx": "empty",
    "tiny-picture.docx": "empty",
}


def real_files() -> list[Path]:
    return sorted(path for path in _REAL.rglob("*") if path.is_file())


def count_words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def assert_well_formed(extracted: ExtractedText) -> None:
    text = extracted.text
    assert unicodedata.is_normalized("NFC", text)
    assert "\0" not in text
    text.encode()
    position = 0
    for block in extracted.blocks:
        assert position <= block.start < block.end <= len(text)
        assert not text[position : block.start].strip()
        assert text[block.start : block.end].strip()
        assert (block.level > 0) == (block.kind is BlockKind.HEADING)
        position = block.end
    assert not text[position:].strip()
    assert list(extracted.page_starts) == sorted(extracted.page_starts)
    assert all(0 <= start <= len(text) for start in extracted.page_starts)


def assert_chunks_exact(extracted: ExtractedText) -> None:
    covered = 0
    for each in chunk(extracted, Chunking(max_tokens=120), most_tokens=8_192, count_tokens=count_words):
        assert extracted.text[each.start : each.end] == each.text
        assert not extracted.text[covered : each.start].strip()
        assert len(each.text.split()) <= 120
        covered = each.end
    assert not extracted.text[covered:].strip()


@pytest.mark.skipif(not _REAL.is_dir(), reason="the shared documents are not on this machine")
@pytest.mark.parametrize("path", real_files(), ids=lambda path: path.name)
def test_real_files(path: Path) -> None:
    if path.name in _REJECTED:
        with pytest.raises(DocumentRejected) as rejection:
            parse(path.read_bytes(), name=path.name)
        assert rejection.value.code == _REJECTED[path.name]
        return
    extracted = parse(path.read_bytes(), name=path.name)
    assert_well_formed(extracted)
    assert_chunks_exact(extracted)


def pdf_bytes() -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    canvas.drawString(72, 700, "Some text in a file.")
    canvas.save()
    return buffer.getvalue()


def docx_bytes() -> bytes:
    buffer = io.BytesIO()
    document = docx.Document()
    document.add_heading("Heading", 1)
    document.add_paragraph("Some text in a file.")
    document.save(buffer)
    return buffer.getvalue()


def xlsx_bytes() -> bytes:
    buffer = io.BytesIO()
    workbook = Workbook()
    sheet = workbook.worksheets[0]
    for row in (["name", "age"], ["Ana", 31], ["Bo", 4.5]):
        sheet.append(row)
    workbook.save(buffer)
    return buffer.getvalue()


_SEEDS = (
    pdf_bytes(),
    docx_bytes(),
    b"<html><body><nav>n<nav>m</nav></nav><h1>T</h1><ul><li>e<table><tr><td>x<td>y</table></body>",
    b"---\ntitle: x\n---\n# T\n\n- a\n  - b\n\n| a | b |\n|-|-|\n| c | d |\n",
    "Olá, mundo.\n\n- um\n- dois".encode("utf-16"),
    b'name,age\r\n"Ana ""x""",31\r\nBo,4\r\n',
    b'{"a": [{"b": 1, "c": "x"}, {"b": 2, "c": "y"}], "d": null}\n',
    b'{"a": 1}\n{"a": [2, "x"]}\n',
    b"<?xml version='1.0'?><l><title>T</title><p id='1'>x <b>y</b> z</p><q>1</q><q>2</q></l>",
    xlsx_bytes(),
)
_NAMES = st.sampled_from(
    [
        "a",
        *(f"a.{each}" for each in ("txt", "md", "html", "pdf", "docx", "csv", "tsv", "json", "jsonl", "xml")),
    ]
)
_DECLARED = st.sampled_from(
    [None, "", "text/plain", "text/html", "text/markdown", "application/pdf", "application/json", "x"]
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    body = bytearray(draw(st.sampled_from(_SEEDS)))
    for _ in range(draw(st.integers(1, 8))):
        position = draw(st.integers(0, len(body) - 1))
        length = draw(st.integers(0, 20))
        body[position : position + length] = draw(st.binary(max_size=20))
        if not body:
            break
    return bytes(body)


@given(
    st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode), mutated()), _NAMES, _DECLARED
)
@settings(max_examples=400, deadline=None)
def test_any_bytes_give_exact_blocks_or_a_rejection(body: bytes, name: str, declared: str | None) -> None:
    try:
        extracted = parse(body, name=name, declared=declared)
    except DocumentRejected:
        return
    assert_well_formed(extracted)
    assert_chunks_exact(extracted)


@pytest.mark.parametrize("body", [b"", b" \n\t", b"\xef\xbb\xbf \n"])
def test_nothing_but_white_space_is_empty(body: bytes) -> None:
    with pytest.raises(EmptyDocument):
        parse(body, name="a.txt")


def test_too_much_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "MAX_TEXT_CHARACTERS", 100)
    with pytest.raises(DocumentTooLarge, match="Split it"):
        parse(b"words " * 100, name="a.txt")


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html"])
def test_the_same_bytes_give_the_same_text(name: str) -> None:
    body = "# Título\n\nTexto com ação.\n\n- item".encode()
    assert parse(body, name=name) == parse(body, name=name)


def test_parsers_are_imported_when_their_format_arrives() -> None:
    script = (
        "import sys; from ingestion.parse.reader import parse; parse(b'text', name='a.txt');"
        "print([name for name in ('lxml', 'pypdfium2', 'selectolax', 'markdown_it') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
