"""Whole files to be mutated: made here, one or more of each format, and real ones where they lie."""

import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

import docx
import openpyxl
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

ROOT: Final = Path(__file__).parents[1]
_FOLDERS: Final = (
    ROOT / "examples" / "documents",
    ROOT / "tests" / "ingestion" / "parse" / "goldens",
    ROOT.parent / "shared" / "data" / "documents",
)
_NO_DOCUMENTS: Final = frozenset({".py", ".pyc", ".md5"})
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_LARGEST: Final = 400_000
_WORDS: Final = "A transação nº 42 foi aprovada. The refund is paid within 30 days (Art. 5º, § 2º)."


@dataclass(frozen=True, kw_only=True)
class Seed:
    name: str
    body: bytes

    @property
    def format(self) -> str:
        return Path(self.name).suffix.lower().lstrip(".") or "none"


def made_seeds() -> list[Seed]:
    made = dict(_TEXTS) | {suffix: make() for suffix, make in _MAKERS.items()}
    return [Seed(name=f"made.{suffix}", body=body) for suffix, body in made.items()]


def real_seeds() -> Iterator[Seed]:
    for folder in _FOLDERS:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix not in _NO_DOCUMENTS and path.stat().st_size <= _LARGEST:
                yield Seed(name=path.name, body=path.read_bytes())


def _pdf() -> bytes:
    written = BytesIO()
    canvas = Canvas(written, pagesize=A4, invariant=True)
    for page in range(3):
        for line in range(20):
            canvas.drawString(72, 780 - 14 * line, f"{_WORDS} Page {page}, line {line}")
        canvas.showPage()
    canvas.save()
    return written.getvalue()


def _docx() -> bytes:
    document = docx.Document()
    document.add_heading("Refunds", level=1)
    document.add_paragraph(_WORDS)
    document.add_paragraph("One item", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for number, cell in enumerate(table._cells):  # noqa: SLF001 - the quick way, which its manual names
        cell.text = f"cell {number}"
    written = BytesIO()
    document.save(written)
    return _without_times(written)


def _xlsx() -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Refunds")
    for row in (["Name", "Amount", "Day"], ["Ana", 12.5, "2026-01-31"], ["José", 7, "2026-02-01"]):
        sheet.append(row)
    written = BytesIO()
    book.save(written)
    return _without_times(written)


def _without_times(written: BytesIO) -> bytes:
    """The same file whenever it is made."""
    with zipfile.ZipFile(written) as archive:
        members = {name: archive.read(name).decode("utf-8", "surrogateescape") for name in archive.namelist()}
    return _archive({name: _TIME.sub("2026-01-01T00:00:00Z", text) for name, text in members.items()})


def _archive(members: Mapping[str, str]) -> bytes:
    written = BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(zipfile.ZipInfo(name), text.encode("utf-8", "surrogateescape"))
    return written.getvalue()


def _pptx() -> bytes:
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    drawing = "http://schemas.openxmlformats.org/drawingml/2006/main"
    slides = "http://schemas.openxmlformats.org/presentationml/2006/main"
    package = "http://schemas.openxmlformats.org/package/2006"
    part = "application/vnd.openxmlformats-officedocument.presentationml"
    return _archive(
        {
            "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
            '<Default Extension="rels"'
            ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/ppt/presentation.xml" ContentType="{part}.presentation.main+xml"/>'
            f'<Override PartName="/ppt/slides/slide1.xml" ContentType="{part}.slide+xml"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1"'
            f' Type="{relation}/officeDocument" Target="ppt/presentation.xml"/></Relationships>',
            "ppt/presentation.xml": f'<p:presentation xmlns:p="{slides}" xmlns:r="{relation}">'
            '<p:sldIdLst><p:sldId id="256" r:id="r1"/></p:sldIdLst></p:presentation>',
            "ppt/_rels/presentation.xml.rels": f'<Relationships xmlns="{package}/relationships">'
            f'<Relationship Id="r1" Type="{relation}/slide" Target="slides/slide1.xml"/></Relationships>',
            "ppt/slides/slide1.xml": f'<p:sld xmlns:p="{slides}" xmlns:a="{drawing}"><p:cSld><p:spTree><p:sp>'
            f"<p:txBody><a:p><a:r><a:t>{_WORDS}</a:t></a:r></a:p></p:txBody></p:sp></p:spTree></p:cSld>"
            "</p:sld>",
        }
    )


def _odt() -> bytes:
    office = "urn:oasis:names:tc:opendocument:xmlns"
    return _archive(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": f'<o:document-content xmlns:o="{office}:office:1.0" xmlns:t="{office}:text:1.0">'
            f"<o:body><o:text><t:h t:outline-level='1'>Refunds</t:h><t:p>{_WORDS}</t:p></o:text></o:body>"
            "</o:document-content>",
        }
    )


def _epub() -> bytes:
    return _archive(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
            '<rootfiles><rootfile full-path="book.opf"'
            ' media-type="application/oebps-package+xml"/></rootfiles>'
            "</container>",
            "book.opf": '<package xmlns="http://www.idpf.org/2007/opf"><manifest><item id="a" href="a.xhtml"'
            ' media-type="application/xhtml+xml"/></manifest><spine><itemref idref="a"/></spine></package>',
            "a.xhtml": f"<html xmlns='http://www.w3.org/1999/xhtml'><body><h1>One</h1><p>{_WORDS}</p>"
            "</body></html>",
        }
    )


def _eml() -> bytes:
    return (
        b"From: Ana <ana@example.com>\r\nTo: jose@example.com\r\nSubject: =?utf-8?q?Transa=C3=A7=C3=A3o?=\r\n"
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        b"A transa=C3=A7=C3=A3o foi aprovada.\r\n--b\r\nContent-Type: text/csv; name=a.csv\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\nYSxiCjEsMgo=\r\n--b--\r\n"
    )


_RECORDS: Final = [{"id": number, "text": _WORDS, "tags": ["a", "b"]} for number in range(5)]
_TABLE: Final = "name;amount\nAna;1,50\n" + 'José;"2,5\n0"\n' * 5
_TEXTS: Final[Mapping[str, bytes]] = {
    "txt": _WORDS.encode("cp1252") * 3,
    "md": f"# One\n\n{_WORDS}\n\n- a\n- b\n\n| x | y |\n|---|---|\n| 1 | 2 |\n".encode(),
    "html": f"<html><head><title>T</title></head><body><h1>A</h1><p>{_WORDS}<table><tr><th>x"
    f"<tr><td>1</table><script>alert(1)</script>".encode(),
    "csv": _TABLE.encode(),
    "tsv": _TABLE.replace(";", "\t").encode(),
    "json": json.dumps({"title": "T", "rows": _RECORDS}).encode(),
    "jsonl": "\n".join(map(json.dumps, _RECORDS)).encode(),
    "xml": f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e "x">]><a><b c="1">{_WORDS}&e;</b></a>'.encode(),
    "rtf": rb"{\rtf1\ansi\ansicpg1252{\fonttbl\f0 Arial;}\f0 A transa\'e7\'e3o \u8364? \b paga\b0.\par}",
}
_MAKERS: Final[Mapping[str, Callable[[], bytes]]] = {
    "pdf": _pdf,
    "docx": _docx,
    "xlsx": _xlsx,
    "pptx": _pptx,
    "odt": _odt,
    "epub": _epub,
    "eml": _eml,
}
