"""What every text recognition does: the lines of a page, in reading order, with their places."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO

import pytest
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from ingestion.parse.page_images import grey_png, page_images
from rag.adapters.tesseract import Tesseract
from rag.adapters.textract import Textract
from rag.errors import CorruptDocument
from rag.ports import Ocr
from tests.doubles.model_clients import client_of
from tests.doubles.scans import Written, column, scanned_pdf
from tests.doubles.textract_server import textract_server

NUMBERS = ("one", "two", "three", "four", "five")


@dataclass(frozen=True, kw_only=True)
class Reader:
    """`print` makes a page that this recognition can read; `left` and `right` fill columns of prose."""

    ocr: Ocr
    print: Callable[[Sequence[Written]], bytes]
    left: Sequence[str]
    right: Sequence[str]


def _in_letters(lines: Sequence[Written]) -> bytes:
    written = BytesIO()
    canvas = Canvas(written, pagesize=A4, invariant=True)
    canvas.setFont("Helvetica", 12)
    for line in lines:
        canvas.drawString(line.left, line.foot, line.text)
    canvas.showPage()
    canvas.save()
    return _image(written.getvalue())


def _in_bars(lines: Sequence[Written]) -> bytes:
    return _image(scanned_pdf([lines]))


def _image(pdf: bytes) -> bytes:
    (page,) = page_images(pdf, name="a.pdf", declared=None, most_pages=1)
    return page.body


@pytest.fixture(params=["textract", "tesseract"])
def reader(request: pytest.FixtureRequest) -> Iterator[Reader]:
    if request.param == "textract":
        with textract_server() as server:
            ocr = Textract(concurrency=2, most_pages=9, client=client_of(server, "textract"))
            left, right = ([f"{side} {number:.<9}" for number in NUMBERS] for side in "lr")
            yield Reader(ocr=ocr, print=_in_bars, left=left, right=right)
            ocr.close()
        return
    if shutil.which("tesseract") is None:
        pytest.skip("tesseract is not installed")
    tesseract = Tesseract(languages="eng", seconds=30, concurrency=2, most_pages=9)
    left = [f"left line {number} fills its own column" for number in NUMBERS]
    right = [f"right row {number} fills its own place" for number in NUMBERS]
    yield Reader(ocr=tesseract, print=_in_letters, left=left, right=right)


def test_lines_come_in_order_with_their_places(reader: Reader) -> None:
    page = column(["The first line of text", "The second line of text"], left=100, top=700)
    first, second = reader.ocr.read(reader.print(page))
    assert (first.text, second.text) == ("The first line of text", "The second line of text")
    assert first.left == pytest.approx(100 / A4[0], abs=0.01)
    assert first.bottom == pytest.approx(1 - 700 / A4[1], abs=0.01)
    assert 0 < first.left < first.right < 1
    assert 0 < first.top < first.bottom < second.bottom < 1


def test_columns_of_prose_are_read_one_after_the_other(reader: Reader) -> None:
    page = [*column(reader.left, left=60), *column(reader.right, left=330)]
    expected = [*reader.left, *reader.right]
    assert [line.text for line in reader.ocr.read(reader.print(page))] == expected


def test_a_blank_page_has_no_lines(reader: Reader) -> None:
    assert not reader.ocr.read(reader.print([]))


@pytest.mark.parametrize("body", [b"no image at all", b"\x89PNG\r\n\x1a\n0000"])
def test_what_is_no_image_is_corrupt(reader: Reader, body: bytes) -> None:
    with pytest.raises(CorruptDocument):
        reader.ocr.read(body)


def test_a_plain_grey_image_is_read(reader: Reader) -> None:
    assert not reader.ocr.read(grey_png(b"\xff" * 10_000, width=100, height=100, stride=100))
