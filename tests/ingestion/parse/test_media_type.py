"""The format is told by content first, then by what was declared, then by the name."""

import io
import zipfile

import pytest

from ingestion.parse.media_type import (
    CSV,
    DOCX,
    EML,
    EPUB,
    HTML,
    JPEG,
    JSON,
    JSONL,
    MARKDOWN,
    ODP,
    ODS,
    ODT,
    PDF,
    PLAIN,
    PNG,
    PPTX,
    RTF,
    TIFF,
    TSV,
    XLSX,
    XML,
)
from ingestion.parse.media_type_detect import detect_media_type
from rag.errors import CorruptDocument, EncryptedDocument, UnsupportedMediaType

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAIL = b"From: ana@example.com\r\nTo: b@example.com\r\nSubject: Prazo\r\n\r\nBom dia"


def archive(*names: str, mimetype: str = "x") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as writer:
        for name in names:
            writer.writestr(name, mimetype if name == "mimetype" else "x")
    return buffer.getvalue()


def declared_package(content_type: str) -> bytes:
    """A package whose parts do not lie in the usual folders."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as writer:
        writer.writestr("[Content_Types].xml", f'<Types><Override ContentType="{content_type}"/></Types>')
        writer.writestr("main/part.xml", "<x/>")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("body", "name", "declared", "expected"),
    [
        (b"%PDF-1.7 ...", "a.txt", "text/plain", PDF),
        (archive("word/document.xml"), "a.pdf", "application/pdf", DOCX),
        (archive("ppt/presentation.xml"), "a.docx", None, PPTX),
        (archive("xl/workbook.xml"), "a", None, XLSX),
        (archive("mimetype", "META-INF/container.xml", mimetype=EPUB), "a.zip", None, EPUB),
        (archive("META-INF/container.xml"), "a", None, EPUB),
        (archive("mimetype", "content.xml", mimetype=ODT), "a", None, ODT),
        (archive("mimetype", "content.xml", mimetype=f"{ODS}-template"), "a", None, ODS),
        (archive("mimetype", "content.xml", mimetype=ODP), "a.pptx", None, ODP),
        (declared_package("application/vnd.ms-word.document.macroEnabled.main+xml"), "a", None, DOCX),
        (declared_package("application/vnd.ms-excel.sheet.macroEnabled.main+xml"), "a", None, XLSX),
        (b"{\\rtf1 x}", "a.txt", None, RTF),
        (b"{\\rtf1 x}", "a.doc", None, RTF),
        (b"\x89PNG\r\n\x1a\n\x00", "a.txt", None, PNG),
        (b"\xff\xd8\xff\xe0", "a", None, JPEG),
        (b"II*\x00\x08", "a.png", None, TIFF),
        (b"plain words", "a", None, PLAIN),
        (b"BMW and RIFF", "a", None, PLAIN),
        (b"BMW and RIFF", "a.md", None, MARKDOWN),
        (b"a,b\n1,2", "table.txt", None, PLAIN),
        (b"a,b\n1,2", "table", None, PLAIN),
        (b"a,b\n1,2", "table.csv", None, CSV),
        (b"a,b\n1,2", "table.csv", "text/plain", CSV),
        (b"a,b\n1,2", "export", "application/csv; charset=utf-8", CSV),
        (b"a\tb", "a.tsv", None, TSV),
        (b'{"a": 1}', "a.log", "application/octet-stream", JSON),
        (b'{"a": 1}\n{"a": 2}\n', "a.log", None, JSONL),
        (b'{"a": 1', "a.json", None, JSON),
        (b'{"a": 1', "a", None, PLAIN),
        (b"{curly} words", "a", None, PLAIN),
        (b'{"a": 1}', "a.txt", None, PLAIN),
        (b"{}", "a", "application/x-ndjson", JSONL),
        (b"<!doctype html><p>x", "a.txt", None, PLAIN),
        (b"<!doctype html><p>x", "page", None, HTML),
        (b"<!doctype html><p>x", "a.xls", None, HTML),
        (b"<!doctype html><p>x", "a.json", None, HTML),
        (b"\xef\xbb\xbf <!-- c --> <HTML><p>x", "page.md", None, HTML),
        (b"<p>x", "a.html", None, HTML),
        (b"<p>x", "a", "text/html; charset=utf-8", HTML),
        (b'<?xml version="1.0"?><html xmlns="x"><p>x', "a", None, HTML),
        (b"<?xml version='1.0'?><a/>", "a", None, XML),
        (b"<a>x</a>", "a.xml", None, XML),
        (b"<a>x</a>", "feed", "application/atom+xml", XML),
        ("<?xml version='1.0' encoding='utf-16'?><a/>".encode("utf-16"), "a", None, XML),
        (b"# x", "a.md", None, MARKDOWN),
        (b"# x", "a.md", "text/plain", MARKDOWN),
        (b"# x", "a.txt", "text/markdown", MARKDOWN),
        (b"<h1 align=center>x</h1>", "README.MD", None, MARKDOWN),
        (b"From: a@example.com", "a.eml", None, EML),
        (_MAIL, "message", None, EML),
        (_MAIL, "message.txt", None, PLAIN),
        (b"From: the sea\n\nSubject: To: Date: ", "a", None, PLAIN),
        ("olá".encode("utf-16"), "a.txt", None, PLAIN),
        ("hello there".encode("utf-16-le"), "a.txt", None, PLAIN),
        ("olá".encode("utf-32"), "a.txt", None, PLAIN),
    ],
)
def test_supported(body: bytes, name: str, declared: str | None, expected: str) -> None:
    assert detect_media_type(body, name=name, declared=declared) == expected


@pytest.mark.parametrize(
    ("body", "name", "advice"),
    [
        (_OLE + "WordDocument".encode("utf-16-le"), "a.doc", "DOCX"),
        (_OLE + "Workbook".encode("utf-16-le"), "a.xls", "XLSX"),
        (_OLE + "PowerPoint Document".encode("utf-16-le"), "a.ppt", "PPTX"),
        (_OLE + "__substg1.0_".encode("utf-16-le"), "a.msg", "EML"),
        (_OLE + b" old", "a.doc", "DOCX or PDF"),
        (archive("xl/workbook.bin", "xl/styles.bin"), "a.xlsb", "XLSX"),
        (archive("Index/Document.iwa"), "a.pages", "Export"),
        (archive("mimetype", "content.xml"), "a.odg", "Export"),
        (archive("a.txt"), "a.zip", "Unpack"),
        (b"\x1f\x8b\x08\x00", "a.csv.gz", "Unpack"),
        (b"GIF89a\x00", "a.gif", "PNG or JPEG"),
        (b"\x00\x01\x02binary", "a.md", "PDF or DOCX"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg", "PDF"),
        (b"<?xml version='1.0'?><!-- x --><svg/>", "a.xml", "PDF"),
        (b"text", "a.doc", "true name"),
    ],
)
def test_unsupported_files_say_what_to_do(body: bytes, name: str, advice: str) -> None:
    with pytest.raises(UnsupportedMediaType, match=r"EML can be ingested") as rejection:
        detect_media_type(body, name=name)
    assert advice in rejection.value.detail.rpartition("can be ingested")[2]


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.xlsx", "a.pptx", "a.epub", "a.odt", "a.png"])
@pytest.mark.parametrize("body", [b"just text", b"\x00\x01\x02"])
def test_a_file_that_is_not_what_it_says_is_corrupt(body: bytes, name: str) -> None:
    with pytest.raises(CorruptDocument, match="calls itself"):
        detect_media_type(body, name=name)


def test_a_cut_archive_is_corrupt() -> None:
    with pytest.raises(CorruptDocument):
        detect_media_type(archive("word/document.xml")[:40], name="a.docx")


def test_an_encrypted_office_file_is_named_so() -> None:
    body = _OLE + "EncryptedPackage".encode("utf-16-le")
    with pytest.raises(EncryptedDocument, match="password"):
        detect_media_type(body, name="a.docx")
