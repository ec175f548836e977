"""Text of documents whose pages are images: recognised page by page, put together like the lines of a PDF."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import chain
from statistics import median

from ingestion.isolation import Parser
from ingestion.parse.builder import clean
from ingestion.parse.pdf import put_together
from ingestion.parse.pdf_lines import Line
from ingestion.parser_process import Beat
from rag.domain.content import ExtractedText
from rag.domain.page_images import PageImage, RecognizedLine
from rag.errors import NoTextLayer
from rag.ports import Ocr

# The shape of the sheet is not known; only widths against heights depend on it. A4, in points.
_WIDTH, _HEIGHT = 595.0, 842.0
# From the height of a line's box, which ends where its letters end, to the size of its type.
_TYPE_TO_BOX = 1.2
_BEAT_SECONDS = 5.0


def recognize(
    parser: Parser, ocr: Ocr, body: bytes, *, name: str, declared: str | None, beat: Beat
) -> ExtractedText:
    """Raises NoTextLayer where no page holds text, other DocumentRejected, and what `ocr` raises."""
    images = parser.page_images(body, name=name, declared=declared, most_pages=ocr.most_pages, beat=beat)
    kinds: list[str] = []
    pages = list(_recognized(ocr, _noting(images, kinds), beat))
    if not any(pages):
        raise NoTextLayer("The pages are images, and no text was recognised on them.")
    heights = [line.bottom - line.top for line in chain.from_iterable(pages)]
    size = median(heights) * _HEIGHT * _TYPE_TO_BOX
    return put_together([[_line(line, size) for line in page] for page in pages], kinds[0])


def _noting(images: Iterable[PageImage], kinds: list[str]) -> Iterator[bytes]:
    for image in images:
        kinds.append(image.document_type)
        yield image.body


def _recognized(ocr: Ocr, images: Iterator[bytes], beat: Beat) -> Iterator[Sequence[RecognizedLine]]:
    """A few pages are in the making at once, and no more are drawn ahead."""
    with ThreadPoolExecutor(max_workers=ocr.concurrency, thread_name_prefix="ocr") as pool:
        running: deque[Future[Sequence[RecognizedLine]]] = deque()
        for image in images:
            running.append(pool.submit(ocr.read, image))
            if len(running) == ocr.concurrency:
                yield _awaited(running.popleft(), beat)
        while running:
            yield _awaited(running.popleft(), beat)


def _awaited(page: Future[Sequence[RecognizedLine]], beat: Beat) -> Sequence[RecognizedLine]:
    beat()
    while not wait([page], timeout=_BEAT_SECONDS).done:
        beat()
    return page.result()


def _line(line: RecognizedLine, size: float) -> Line:
    """All of one size: boxes measure letters too roughly to tell headings by them."""
    return Line(
        text=clean(line.text).strip() or "�",
        left=line.left * _WIDTH,
        right=line.right * _WIDTH,
        foot=(1 - line.bottom) * _HEIGHT,
        size=size,
    )
