"""Whatever the bytes, parsing gives exact blocks or a DocumentRejected; and so do real files."""

import io
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.pdfgen.canvas import Canvas

from ingestion.chunk import chunk
from ingestion.parse import builder
from ingestion.parse.reader import parse
from rag.domain.content import BlockKind, ExtractedText
from rag.errors import DocumentRejected, DocumentTooLarge, EmptyDocument

_REAL = Path(__file__).parents[4] / "shared" / "data" / "documents"
_SUFFIXES = frozenset({".txt", ".md", ".html", ".htm", ".pdf", ".docx"})
_REJECTED = {
    "MEDRPT-2024-PAT-3847_medical_report_scan.md": "empty",
    "MEDRPT-2024-PAT-3847_medical_report_scan.pdf": "no_text_layer",
    "empty.docx": "empty",
    "empty.txt": "empty",
    "external-picture.docx": "empty",
    "fake-text-all-whitespace.txt": "empty",
    "loremipsum-flat.pdf": "no_text_layer",
    "password.pdf": "encrypted",
    "single_table.pdf": "no_text_layer",
    "table-multi-row-column-cells.pdf": "no_text_layer",
    "tiny-picture-target-base-relative.docx": "empty",
    "tiny-picture.docx": "empty",
}


def real_files() -> list[Path]:
    return sorted(path for path in _REAL.rglob("*") if path.suffix.lower() in _SUFFIXES)


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
    for each in chunk(extracted, max_tokens=120, overlap_tokens=0, count_tokens=count_words):
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


_SEEDS = (
    pdf_bytes(),
    docx_bytes(),
    b"<html><body><nav>n<nav>m</nav></nav><h1>T</h1><ul><li>e<table><tr><td>x<td>y</table></body>",
    b"---\ntitle: x\n---\n# T\n\n- a\n  - b\n\n| a | b |\n|-|-|\n| c | d |\n",
    "Olá, mundo.\n\n- um\n- dois".encode("utf-16"),
)
_NAMES = st.sampled_from(["a.txt", "a.md", "a.html", "a.pdf", "a.docx", "a", "a.csv"])
_DECLARED = st.sampled_from([None, "", "text/plain", "text/html", "text/markdown", "application/pdf", "x"])


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
