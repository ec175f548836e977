"""Scanned documents become searchable where a text recognition is configured, and say why not elsewhere."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from ingestion.isolation import IsolatedParser, shared_parser
from ingestion.ocr import recognize
from ingestion.parse.page_images import page_images
from ingestion.parser_process import no_beat
from ingestion.pipeline import Pipeline
from rag.adapters.postgres.store import PostgresStore
from rag.adapters.textract import Textract
from rag.domain.content import ExtractedText
from rag.domain.documents import DocumentStatus
from rag.domain.page_images import RecognizedLine
from rag.errors import DocumentTooLarge, NoTextLayer
from rag.settings import ParsingSettings
from tests.doubles.model_clients import client_of
from tests.doubles.scans import column, scanned_pdf
from tests.doubles.textract_server import TextractServer, textract_failure, textract_server
from tests.ingestion.write_path import WritePath

PAGES = [
    ["A transação foi", "aprovada.", "Outra linha"],
    ["Page two ok."],
]
SCAN = scanned_pdf([column(page) for page in PAGES])


@pytest.fixture(scope="module")
def recognition() -> Iterator[TextractServer]:
    with textract_server() as server:
        yield server


@pytest.fixture
def ocr(recognition: TextractServer) -> Iterator[Textract]:
    client = client_of(recognition, "textract")
    with closing(Textract(concurrency=2, most_pages=3, client=client, pause=lambda _: None)) as ocr:
        yield ocr


def read(ocr: Textract, body: bytes, name: str = "scan.pdf") -> ExtractedText:
    return recognize(shared_parser(), ocr, body, name=name, declared=None, beat=no_beat)


def words(found: ExtractedText) -> str:
    """Where lines of bars, which are wider than letters, break is nobody's business."""
    return " ".join(found.text.split())


def test_a_scanned_pdf_has_no_text_layer() -> None:
    with pytest.raises(NoTextLayer):
        shared_parser().parse(SCAN, name="scan.pdf")


def test_recognised_pages_are_pages_of_text(ocr: Textract) -> None:
    found = read(ocr, SCAN)
    assert words(found) == "A transação foi aprovada. Outra linha Page two ok."
    assert found.media_type == "application/pdf"
    assert found.page_starts == (0, found.text.index("Page two"))


def test_an_image_file_is_one_page(ocr: Textract) -> None:
    (page, _) = page_images(SCAN, name="scan.pdf", declared=None, most_pages=2)
    found = read(ocr, page.body, "photo.png")
    assert words(found).startswith("A transação foi aprovada.")
    assert found.media_type == "image/png"


def test_pages_come_in_order_however_long_each_takes(ocr: Textract, recognition: TextractServer) -> None:
    recognition.planned.append(textract_failure(400, "ThrottlingException", "Rate exceeded"))
    found = read(ocr, SCAN)
    assert found.text.index("transação") < found.text.index("Page two")


def test_more_pages_than_may_be_paid_for_are_refused_before_the_first(
    ocr: Textract, recognition: TextractServer
) -> None:
    before = len(recognition.requests)
    with pytest.raises(DocumentTooLarge, match="ACERVO_OCR_MAX_PAGES"):
        read(ocr, scanned_pdf([column(["One"])] * 4))
    assert len(recognition.requests) == before


def test_pages_on_which_nothing_is_found_stay_without_text(ocr: Textract) -> None:
    with pytest.raises(NoTextLayer):
        read(ocr, scanned_pdf([[]]))


class Recorder:
    """A recognition that sees the same lines on every page, after it was waited for."""

    concurrency = 2
    most_pages = 9

    def __init__(self, lines: Sequence[RecognizedLine]) -> None:
        self._lines = lines

    def read(self, image: bytes) -> Sequence[RecognizedLine]:
        assert image
        return self._lines


def test_the_caller_is_heard_before_each_page_and_can_give_it_up() -> None:
    class GivenUp(Exception):
        pass

    beats: list[None] = []

    def beat() -> None:
        beats.append(None)
        if len(beats) == 2:
            raise GivenUp

    line = RecognizedLine(text="Seen", left=0.1, right=0.3, top=0.1, bottom=0.12)
    with closing(IsolatedParser(ParsingSettings())) as parser:
        with pytest.raises(GivenUp):
            recognize(parser, Recorder([line]), SCAN, name="a.pdf", declared=None, beat=beat)
        assert parser.parse(b"And on.", name="a.txt").text == "And on."


def test_a_word_broken_at_a_line_end_is_mended() -> None:
    lines = [
        RecognizedLine(text="Esta transa-", left=0.1, right=0.9, top=0.1, bottom=0.12),
        RecognizedLine(text="ção foi aprovada.", left=0.1, right=0.5, top=0.125, bottom=0.145),
    ]
    found = recognize(shared_parser(), Recorder(lines), SCAN, name="a.pdf", declared=None, beat=no_beat)
    assert found.text.startswith("Esta transação foi aprovada.")


def test_a_dropped_scan_is_found_or_says_why(store: PostgresStore, tmp_path: Path, ocr: Textract) -> None:
    path = WritePath(store, tmp_path)
    path.drop("scan.pdf", SCAN)
    path.run()
    failure = path.document("scan.pdf").failure
    assert failure is not None
    assert (failure.code, failure.retryable) == ("no_text_layer", False)
    path.pipeline = Pipeline(
        source=path.source, embedder=path.embedder, max_document_bytes=1_000_000, ocr=ocr
    )
    path.tenant.documents.retry(path.document("scan.pdf").id)
    path.run()
    document = path.document("scan.pdf")
    assert (document.status, document.page_count, document.language) == (DocumentStatus.READY, 2, "pt")
