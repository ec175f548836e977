"""Text of documents whose pages are images: recognised page by page, put together like the lines of a PDF."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from itertools import chain
from statistics import median
from typing import TypeAlias

from ingestion.isolation import Parser
from ingestion.parse.builder import clean
from ingestion.parse.pdf import joined, pages_of, put_together
from ingestion.parse.pdf_lines import Line
from ingestion.parser_process import Beat
from rag.domain.content import ExtractedText
from rag.domain.page_images import PageImage, RecognizedLine
from rag.errors import DocumentRejected, NoTextLayer
from rag.ports import Ocr
from rag.telemetry import logger

_Lines: TypeAlias = Sequence[RecognizedLine]

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
    pages = list(_recognized(ocr.read, ocr.concurrency, _noting(images, kinds), beat))
    if not any(pages):
        raise NoTextLayer("The pages are images, and no text was recognised on them.")
    return _put_together(pages, kinds[0])


def recognize_unread(
    parser: Parser, ocr: Ocr, body: bytes, found: ExtractedText, *, beat: Beat
) -> ExtractedText:
    """`found` of a PDF, with the text of its unread pages in their places; the others stay as they are.

    Pages beyond `ocr.most_pages`, and those that cannot be drawn or recognised, stay unread. Raises what
    `ocr` raises, but DocumentRejected: a page is no reason to lose the others.
    """
    asked = found.unread_pages[: ocr.most_pages]
    images = parser.page_images(
        body, name="", declared=found.media_type, most_pages=len(asked), pages=asked, beat=beat
    )
    seen = _recognized(_lines_or_none(ocr.read), ocr.concurrency, _until_rejected(images), beat)
    # `seen` first: what is not read to its end costs the parsing process.
    recognized = {number: lines for lines, number in zip(seen, asked, strict=False) if lines}
    if not recognized:
        return found
    pages = pages_of(found)
    scanned = pages_of(_put_together(list(recognized.values()), found.media_type))
    for number, page in zip(recognized, scanned, strict=True):
        pages[number - 1] = page
    left = tuple(number for number in found.unread_pages if number not in recognized)
    return replace(joined(pages, found.media_type, found.title), unread_pages=left)


def _put_together(pages: Sequence[_Lines], media_type: str) -> ExtractedText:
    heights = [line.bottom - line.top for line in chain.from_iterable(pages)]
    size = median(heights) * _HEIGHT * _TYPE_TO_BOX
    return put_together([[_line(line, size) for line in page] for page in pages], media_type)


def _until_rejected(images: Iterable[PageImage]) -> Iterator[bytes]:
    try:
        for image in images:
            yield image.body
    except DocumentRejected as error:
        logger.warning("The next pages stay without text: %s", error.detail)


def _lines_or_none(read: Callable[[bytes], _Lines]) -> Callable[[bytes], _Lines]:
    def reading(image: bytes) -> _Lines:
        try:
            return read(image)
        except DocumentRejected as error:
            logger.warning("A page stays without text: %s", error.detail)
            return ()

    return reading


def _noting(images: Iterable[PageImage], kinds: list[str]) -> Iterator[bytes]:
    for image in images:
        kinds.append(image.document_type)
        yield image.body


def _recognized(
    read: Callable[[bytes], _Lines], concurrency: int, images: Iterator[bytes], beat: Beat
) -> Iterator[_Lines]:
    """A few pages are in the making at once, and no more are drawn ahead."""
    with ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="ocr") as pool:
        running: deque[Future[_Lines]] = deque()
        for image in images:
            running.append(pool.submit(read, image))
            if len(running) == concurrency:
                yield _awaited(running.popleft(), beat)
        while running:
            yield _awaited(running.popleft(), beat)


def _awaited(page: Future[_Lines], beat: Beat) -> _Lines:
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
