"""The program itself, where it is installed."""

import shutil
from io import BytesIO

import pytest
from reportlab.pdfgen.canvas import Canvas

from ingestion.parse.page_images import page_images
from rag.adapters.local.ocr import build_ocr
from rag.adapters.tesseract import Tesseract
from rag.errors import ParserTimedOut, SettingInvalid
from rag.settings import OcrSettings

installed = pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")


def _page(text: str) -> bytes:
    written = BytesIO()
    canvas = Canvas(written, invariant=True)
    canvas.setFont("Helvetica", 14)
    canvas.drawString(72, 700, text)
    canvas.save()
    (page,) = page_images(written.getvalue(), name="a.pdf", declared=None, most_pages=1)
    return page.body


@installed
def test_portuguese_keeps_its_accents() -> None:
    ocr = build_ocr(OcrSettings(ocr="tesseract"))
    assert ocr is not None
    (line,) = ocr.read(_page("A transação não foi concluída após a verificação."))
    assert line.text == "A transação não foi concluída após a verificação."


@installed
def test_a_page_that_takes_too_long_is_given_up() -> None:
    ocr = Tesseract(languages="eng", seconds=0.01, concurrency=1, most_pages=1)
    with pytest.raises(ParserTimedOut, match="ACERVO_OCR_PAGE_SECONDS"):
        ocr.read(_page("A line"))


@installed
def test_a_language_that_is_not_installed_is_named() -> None:
    with pytest.raises(SettingInvalid, match="tesseract-ocr-xyz"):
        Tesseract(languages="eng+xyz", seconds=1, concurrency=1, most_pages=1)


def test_a_program_that_is_not_installed_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SettingInvalid, match="apt install tesseract-ocr"):
        build_ocr(OcrSettings(ocr="tesseract"))


def test_nothing_is_recognised_by_default() -> None:
    assert build_ocr(OcrSettings()) is None
