"""A PDF of text and scans: text recognition reads the scans alone, and every page stands in its place."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from ingestion.isolation import shared_parser
from ingestion.ocr import recognize_unread
from ingestion.parse.media_type import PDF
from ingestion.parse.page_images import page_images
from ingestion.parse.pdf import joined, pages_of
from ingestion.parse.pdf_paragraphs import Paragraph
from ingestion.parser_process import no_beat
from ingestion.pipeline import Pipeline
from rag.adapters.postgres.store import PostgresStore
from rag.adapters.tesseract import Tesseract
from rag.adapters.textract import Textract
from rag.domain.content import BlockKind, ExtractedText
from rag.domain.documents import DocumentStatus
from rag.domain.page_images import RecognizedLine
from rag.domain.pages import PageRequest
from rag.domain.search import Passage
from rag.errors import CorruptDocument, NoTextLayer, OcrUnavailable
from rag.ports import Ocr
from tests.doubles.model_clients import client_of
from tests.doubles.scans import column, draw_scan
from tests.doubles.textract_server import textract_server
from tests.ingestion.write_path import WritePath

Lines: TypeAlias = Sequence[str]
Draw: TypeAlias = Callable[[Canvas, Lines], None]

FIRST = ["The contract begins on the first of March.", "It is renewed each year."]
SCAN = ["The signed annex names", "three suppliers."]
LAST = ["Disputes go to the court of Lisbon."]


@dataclass(frozen=True, kw_only=True)
class Recognition:
    """`scan` draws a page that `ocr` can read and that holds no text."""

    ocr: Ocr
    scan: Draw


def text_page(canvas: Canvas, lines: Lines) -> None:
    canvas.setFont("Helvetica", 14)
    for number, line in enumerate(lines):
        canvas.drawString(72, 760 - 18 * number, line)


def bars(canvas: Canvas, lines: Lines) -> None:
    draw_scan(canvas, column(lines))


def photograph(canvas: Canvas, lines: Lines) -> None:
    (page,) = page_images(pdf((text_page, lines)), name="a.pdf", declared=None, most_pages=1)
    canvas.drawImage(ImageReader(BytesIO(page.body)), 0, 0, width=A4[0], height=A4[1])


def pdf(*pages: tuple[Draw, Lines]) -> bytes:
    written = BytesIO()
    canvas = Canvas(written, pagesize=A4, invariant=True)
    for draw, lines in pages:
        draw(canvas, lines)
        canvas.showPage()
    canvas.save()
    return written.getvalue()


@pytest.fixture(params=["textract", "tesseract"])
def recognition(request: pytest.FixtureRequest) -> Iterator[Recognition]:
    if request.param == "tesseract":
        if shutil.which("tesseract") is None:
            pytest.skip("tesseract is not installed")
        ocr = Tesseract(languages="eng", seconds=30, concurrency=2, most_pages=9)
        yield Recognition(ocr=ocr, scan=photograph)
        return
    with ExitStack() as stack:
        client = client_of(stack.enter_context(textract_server()), "textract")
        textract = Textract(concurrency=2, most_pages=9, client=client, pause=lambda _: None)
        stack.callback(textract.close)
        yield Recognition(ocr=textract, scan=bars)


def parsed(body: bytes) -> ExtractedText:
    return shared_parser().parse(body, name="a.pdf")


def read(ocr: Ocr, body: bytes) -> ExtractedText:
    return recognize_unread(shared_parser(), ocr, body, parsed(body), beat=no_beat)


def page_texts(found: ExtractedText) -> list[str]:
    """By the offsets at which pages begin; how lines of bars break is nobody's business."""
    edges = [*found.page_starts, len(found.text)]
    texts = [found.text[start:end] for start, end in pairwise(edges)]
    return [" ".join(text.split()) for text in texts]


def test_the_scan_stands_between_the_pages_that_kept_their_text(recognition: Recognition) -> None:
    body = pdf((text_page, FIRST), (recognition.scan, SCAN), (text_page, LAST))
    before, found = parsed(body), read(recognition.ocr, body)
    assert page_texts(found) == [" ".join(FIRST), " ".join(SCAN), " ".join(LAST)]
    assert page_texts(before) == [" ".join(FIRST), "", " ".join(LAST)]
    assert (before.unread_pages, found.unread_pages) == ((2,), ())


def test_a_sentence_runs_on_from_the_text_over_the_scan(recognition: Recognition) -> None:
    body = pdf(
        (text_page, ["It ends with"]), (recognition.scan, ["the letter that"]), (text_page, ["he sent."])
    )
    found = read(recognition.ocr, body)
    assert found.text == "It ends with the letter that he sent."
    assert [found.text[start:][:3] for start in found.page_starts] == ["It ", "the", "he "]


def test_a_paragraph_that_seemed_to_run_on_is_parted_by_the_scan(recognition: Recognition) -> None:
    body = pdf((text_page, ["The list of"]), (recognition.scan, ["A full stop."]), (text_page, ["and more."]))
    assert parsed(body).text == "The list of and more."
    assert read(recognition.ocr, body).text == "The list of\n\nA full stop.\n\nand more."


class Fake:
    """Reads bars; sees what was shown to it, and fails where it is told to."""

    concurrency = 2

    def __init__(self, ocr: Textract, *, most_pages: int = 9) -> None:
        self._ocr = ocr
        self.most_pages = most_pages
        self.shown: list[list[str]] = []
        self.errors: dict[str, Exception] = {}

    def read(self, image: bytes) -> Sequence[RecognizedLine]:
        lines = self._ocr.read(image)
        self.shown.append([line.text for line in lines])
        for line in lines:
            if line.text in self.errors:
                raise self.errors[line.text]
        return lines


@pytest.fixture
def fake() -> Iterator[Fake]:
    with textract_server() as server:
        textract = Textract(concurrency=2, most_pages=9, client=client_of(server, "textract"))
        yield Fake(textract)
        textract.close()


MIXED = pdf(
    (bars, ["Cover"]), (text_page, FIRST), (bars, ["Middle"]), (bars, []), (text_page, LAST), (bars, ["End"])
)


def test_only_pages_without_text_are_recognised(fake: Fake) -> None:
    found = read(fake, MIXED)
    assert sorted(fake.shown) == [["Cover"], ["End"], ["Middle"]]
    assert page_texts(found) == ["Cover", " ".join(FIRST), "Middle", "", " ".join(LAST), "End"]


def test_a_page_that_cannot_be_recognised_stays_unread(fake: Fake) -> None:
    fake.errors["Middle"] = CorruptDocument("The image is damaged.")
    found = read(fake, MIXED)
    assert page_texts(found) == ["Cover", " ".join(FIRST), "", "", " ".join(LAST), "End"]
    assert found.unread_pages == (3,)


def test_where_nothing_can_be_recognised_the_text_is_what_it_was(fake: Fake) -> None:
    fake.errors = {each: CorruptDocument("Damaged.") for each in ("Cover", "Middle", "End")}
    assert read(fake, MIXED) == parsed(MIXED)


def test_a_recognition_that_is_away_is_an_error(fake: Fake) -> None:
    fake.errors["End"] = OcrUnavailable("Textract does not answer.")
    with pytest.raises(OcrUnavailable):
        read(fake, MIXED)


def test_pages_beyond_those_that_may_be_paid_for_stay_unread(fake: Fake) -> None:
    fake.most_pages = 2
    found = read(fake, MIXED)
    assert page_texts(found) == ["Cover", " ".join(FIRST), "Middle", "", " ".join(LAST), ""]
    assert found.unread_pages == (6,)


def test_a_document_is_read_again_once_a_recognition_is_there(
    store: PostgresStore, tmp_path: Path, fake: Fake
) -> None:
    path = WritePath(store, tmp_path)
    path.drop("mixed.pdf", MIXED)
    path.run()
    before = path.document("mixed.pdf")
    path.pipeline = Pipeline(
        source=path.source, embedder=path.embedder, max_document_bytes=1_000_000, ocr=fake
    )
    path.drop("mixed.pdf", MIXED)
    path.run()
    after = path.document("mixed.pdf")
    assert (before.status, after.status) == (DocumentStatus.READY, DocumentStatus.READY)
    entries = path.tenant.documents.history(after.id, PageRequest()).items
    told = [entry.detail for entry in entries if entry.event == "ready"]
    assert ["skipped pages without text: 1, 3, 6" in each for each in told] == [True, False]
    chunks = path.tenant.documents.chunks(after.id, PageRequest()).items
    text = path.tenant.documents.text(after.id)
    assert all(text[chunk.locator.start : chunk.locator.end] == chunk.text for chunk in chunks)
    assert [page_of(word, chunks) for word in ("Cover", "contract", "Middle", "End")] == [1, 2, 3, 6]


def page_of(word: str, chunks: Sequence[Passage]) -> int | None:
    chunk = next(chunk for chunk in chunks if word in chunk.text)
    return chunk.locator.page_at(chunk.locator.start + chunk.text.index(word))


KINDS = st.sampled_from([BlockKind.PARAGRAPH, BlockKind.LIST_ITEM, BlockKind.HEADING])
WORDS = st.lists(st.sampled_from(["Uma", "linha", "of text", "ends.", "2,5"]), min_size=1).map(" ".join)


@given(st.lists(st.lists(st.builds(Paragraph, kind=KINDS, text=WORDS, level=st.integers(1, 3))), min_size=1))
def test_pages_that_were_joined_can_be_taken_apart_and_joined_again(pages: list[list[Paragraph]]) -> None:
    found = replace(joined([*pages, [Paragraph(kind=BlockKind.PARAGRAPH, text="End.")]], PDF), title="T")
    assert joined(pages_of(found), PDF, "T") == found


def test_what_holds_no_text_at_all_is_none_of_this() -> None:
    with pytest.raises(NoTextLayer):
        parsed(pdf((bars, ["Cover"])))
