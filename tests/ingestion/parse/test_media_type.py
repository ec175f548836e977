"""The format is told by content first, then by what was declared, then by the name."""

import io
import zipfile

import pytest

from ingestion.parse.media_type import DOCX, HTML, MARKDOWN, PDF, PLAIN, media_type
from rag.errors import CorruptDocument, EncryptedDocument, UnsupportedMediaType


def archive(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as writer:
        for name in names:
            writer.writestr(name, "x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("body", "name", "declared", "expected"),
    [
        (b"%PDF-1.7 ...", "a.txt", "text/plain", PDF),
        (archive("word/document.xml"), "a.pdf", "application/pdf", DOCX),
        (b"plain words", "a", None, PLAIN),
        (b"a,b\n1,2", "table.txt", None, PLAIN),
        (b'{"a": 1}', "a.log", "application/octet-stream", PLAIN),
        (b"<!doctype html><p>x", "a.txt", None, PLAIN),
        (b"<!doctype html><p>x", "page", None, HTML),
        (b"\xef\xbb\xbf <!-- c --> <HTML><p>x", "page.md", None, HTML),
        (b"<p>x", "a.html", None, HTML),
        (b"<p>x", "a", "text/html; charset=utf-8", HTML),
        (b'<?xml version="1.0"?><html xmlns="x"><p>x', "a", None, HTML),
        (b"# x", "a.md", None, MARKDOWN),
        (b"# x", "a.md", "text/plain", MARKDOWN),
        (b"# x", "a.txt", "text/markdown", MARKDOWN),
        (b"<h1 align=center>x</h1>", "README.MD", None, MARKDOWN),
        ("olá".encode("utf-16"), "a.txt", None, PLAIN),
        ("hello there".encode("utf-16-le"), "a.txt", None, PLAIN),
        ("olá".encode("utf-32"), "a.txt", None, PLAIN),
    ],
)
def test_supported(body: bytes, name: str, declared: str | None, expected: str) -> None:
    assert media_type(body, name=name, declared=declared) == expected


@pytest.mark.parametrize(
    ("body", "name", "declared"),
    [
        (b"\x89PNG\r\n\x1a\n\x00", "a.txt", None),
        (b"\x00\x01\x02binary", "a.md", None),
        (archive("ppt/presentation.xml"), "a.docx", None),
        (archive("xl/workbook.xml"), "a.xlsx", None),
        (archive("mimetype", "META-INF/container.xml"), "a.epub", None),
        (archive("mimetype", "content.xml"), "a.odt", None),
        (archive("a.txt"), "a.zip", None),
        (b"{\\rtf1 x}", "a.txt", None),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old", "a.doc", None),
        (b"a,b", "a.csv", None),
        (b"a,b", "a.csv", "text/plain"),
        (b"{}", "a", "application/json"),
        (b"<?xml version='1.0'?><a/>", "a", None),
        (b"From: a@example.com", "a.eml", None),
        (b"text", "a.png", None),
    ],
)
def test_unsupported_files_say_what_is_supported(body: bytes, name: str, declared: str | None) -> None:
    with pytest.raises(UnsupportedMediaType, match="PDF and DOCX can be ingested"):
        media_type(body, name=name, declared=declared)


@pytest.mark.parametrize("name", ["a.pdf", "a.docx"])
@pytest.mark.parametrize("body", [b"just text", b"\x00\x01\x02"])
def test_a_file_that_is_not_what_it_says_is_corrupt(body: bytes, name: str) -> None:
    with pytest.raises(CorruptDocument, match="calls itself"):
        media_type(body, name=name)


def test_a_cut_archive_is_corrupt() -> None:
    with pytest.raises(CorruptDocument):
        media_type(archive("word/document.xml")[:40], name="a.docx")


def test_an_encrypted_office_file_is_named_so() -> None:
    body = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le")
    with pytest.raises(EncryptedDocument, match="password"):
        media_type(body, name="a.docx")
