"""Real boto3 against a server that keeps Textract's contract."""

from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest

from ingestion.parse.page_images import page_images
from rag.adapters.textract import Textract
from rag.adapters.textract_lines import in_reading_order
from rag.domain.page_images import RecognizedLine
from rag.errors import AcervoError, DocumentTooLarge, OcrUnavailable, SettingInvalid, Throttled
from tests.doubles.model_clients import client_of
from tests.doubles.scans import column, scanned_pdf
from tests.doubles.textract_server import Reply, TextractServer, textract_failure, textract_server

THROTTLED = textract_failure(400, "ProvisionedThroughputExceededException", "Provisioned rate exceeded")
FAILED = textract_failure(500, "InternalServerError", "Amazon Textract experienced a service issue")


@pytest.fixture(scope="module")
def page() -> bytes:
    (image,) = page_images(scanned_pdf([column(["A line"])]), name="a.pdf", declared=None, most_pages=1)
    return image.body


@pytest.fixture
def server() -> Iterator[TextractServer]:
    with textract_server() as server:
        yield server


def textract_of(server: TextractServer) -> Textract:
    client = client_of(server, "textract")
    return Textract(concurrency=1, most_pages=9, client=client, pause=lambda _: None)


@pytest.fixture
def textract(server: TextractServer) -> Iterator[Textract]:
    with closing(textract_of(server)) as ocr:
        yield ocr


@pytest.mark.parametrize("passing", [THROTTLED, FAILED, Reply(hang_up=True)])
def test_what_passes_is_tried_again(
    server: TextractServer, textract: Textract, page: bytes, passing: Reply
) -> None:
    server.planned.extend([passing, passing])
    assert [line.text for line in textract.read(page)] == ["A line"]
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (THROTTLED, Throttled, "quota"),
        (textract_failure(400, "ThrottlingException", "Rate exceeded"), Throttled, "quota"),
        (FAILED, OcrUnavailable, "InternalServerError"),
        (Reply(hang_up=True), OcrUnavailable, "does not answer"),
        (textract_failure(400, "AccessDeniedException", "not authorized"), SettingInvalid, "textract:Detect"),
        (textract_failure(403, "UnrecognizedClientException", "token"), SettingInvalid, "credentials"),
        (textract_failure(400, "DocumentTooLargeException", "too large"), DocumentTooLarge, "10 MiB"),
    ],
)
def test_what_stays_is_an_error_that_says_what_to_do(
    server: TextractServer, page: bytes, reply: Reply, error: type[AcervoError], words: str
) -> None:
    server.planned.extend([reply] * 3)
    with closing(textract_of(server)) as textract, pytest.raises(error, match=words):
        textract.read(page)


def test_an_image_that_textract_would_refuse_is_not_sent(server: TextractServer, textract: Textract) -> None:
    with pytest.raises(DocumentTooLarge):
        textract.read(b"\x89PNG" + bytes(10 * 1024 * 1024))
    assert not server.requests


def line(text: str, left: float, right: float, top: float) -> RecognizedLine:
    return RecognizedLine(text=text, left=left, right=right, top=top, bottom=top + 0.01)


def rows(*, left: float, right: float, middle: Sequence[float]) -> list[RecognizedLine]:
    """Two lines side by side in each row, as Textract returns them."""
    return [
        each
        for number in range(5)
        for each in (
            line(f"l{number}", left, middle[0], 0.2 + number * 0.02),
            line(f"r{number}", middle[1], right, 0.2 + number * 0.02),
        )
    ]


def test_a_title_across_both_columns_comes_before_them_and_a_note_after() -> None:
    columns = rows(left=0.08, right=0.92, middle=(0.48, 0.52))
    page = [line("title", 0.2, 0.8, 0.1), *columns, line("note", 0.1, 0.9, 0.4)]
    expected = ["title", "l0", "l1", "l2", "l3", "l4", "r0", "r1", "r2", "r3", "r4", "note"]
    assert [each.text for each in in_reading_order(page)] == expected


def test_the_cells_of_a_table_are_read_row_by_row() -> None:
    cells = rows(left=0.1, right=0.7, middle=(0.2, 0.6))
    assert in_reading_order(cells) == cells
