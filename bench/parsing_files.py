"""The files that bench/parsing.py reads: the same words in every format, and of every format's own shape."""

import json
from collections.abc import Callable, Mapping
from importlib import import_module
from io import BytesIO
from random import Random
from typing import Any, Final

import docx
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

_TEXT: Final = """refund parcel invoice transação customer prazo contract delivery cláusula number within
thirty days of the receipt garantia item total amount não é devido when returned para the warehouse
aprovação"""
_WORDS: Final = _TEXT.split()
PDF_PAGES: Final = 300
_LINES_A_PAGE: Final = 45
_PARAGRAPHS: Final = 400
_ROWS: Final = 20_000


def sentence(random: Random, words: int = 14) -> str:
    return " ".join(random.choices(_WORDS, k=words)).capitalize() + "."


def pdf(pages: int = PDF_PAGES) -> bytes:
    random, written = Random(1), BytesIO()
    canvas = Canvas(written, pagesize=A4, invariant=True)
    for number in range(pages):
        canvas.drawString(72, 810, "A running title")
        for line in range(_LINES_A_PAGE):
            canvas.drawString(72, 780 - 16 * line, sentence(random))
        canvas.drawString(300, 20, str(number + 1))
        canvas.showPage()
    canvas.save()
    return written.getvalue()


def _docx() -> bytes:
    random, written = Random(2), BytesIO()
    document = docx.Document()
    for number in range(_PARAGRAPHS):
        if number % 20 == 0:
            document.add_heading(sentence(random, 4), level=1 + number % 3)
        document.add_paragraph(sentence(random, 60))
    document.save(written)
    return written.getvalue()


def _pptx() -> bytes:
    random, written = Random(3), BytesIO()
    presentation: Any = import_module("pptx").Presentation
    slides = presentation()
    for _ in range(100):
        slide = slides.slides.add_slide(slides.slide_layouts[1])
        slide.shapes.title.text = sentence(random, 5)
        slide.placeholders[1].text = "\n".join(sentence(random, 10) for _ in range(6))
    slides.save(written)
    return written.getvalue()


def _rows() -> list[list[str]]:
    random = Random(4)
    head = ["id", "customer", "amount", "day", "note"]
    return [head] + [
        [str(n), random.choice(_WORDS), f"{n * 1.37:.2f}", f"2026-01-{1 + n % 28:02}", sentence(random, 8)]
        for n in range(_ROWS)
    ]


def _xlsx() -> bytes:
    written = BytesIO()
    workbook: Any = import_module("openpyxl").Workbook
    book = workbook(write_only=True)
    sheet = book.create_sheet("Refunds")
    for number, row in enumerate(_rows()):
        sheet.append([int(row[0]), row[1], float(row[2]), *row[3:]] if number else row)
    book.save(written)
    return written.getvalue()


def csv(rows: int = _ROWS) -> bytes:
    lines = [",".join(row) for row in _rows()]
    body = "\n".join(lines[1:]) + "\n"
    return (lines[0] + "\n" + body * max(1, rows // _ROWS)).encode()


def _json() -> bytes:
    names, *rows = _rows()
    return json.dumps([dict(zip(names, row, strict=True)) for row in rows], ensure_ascii=False).encode()


def _xml() -> bytes:
    names, *rows = _rows()
    records = (
        "".join(f"<{name}>{cell}</{name}>" for name, cell in zip(names, row, strict=True)) for row in rows
    )
    return f"<refunds>{''.join(f'<refund>{each}</refund>' for each in records)}</refunds>".encode()


def _html() -> bytes:
    random = Random(5)
    sections = (
        f"<section class='c{n}'><h2>{sentence(random, 5)}</h2><p>{sentence(random, 50)} <a href='/x{n}'>"
        f"{sentence(random, 3)}</a> <b>{sentence(random, 4)}</b></p><ul><li>{sentence(random)}</li>"
        f"<li>{sentence(random)}</li></ul></section>"
        for n in range(3000)
    )
    return (
        "<!doctype html><html><head><title>Refunds</title><style>p{}</style></head><body><nav>menu</nav>"
        "<main>" + "\n".join(sections) + "</main><script>x()</script></body></html>"
    ).encode()


FILES: Final[Mapping[str, Callable[[], bytes]]] = {
    "pdf": pdf,
    "html": _html,
    "docx": _docx,
    "pptx": _pptx,
    "xlsx": _xlsx,
    "csv": csv,
    "json": _json,
    "xml": _xml,
}
