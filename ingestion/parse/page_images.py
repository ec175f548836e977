"""Pages without text as images, for text recognition: PDF pages are drawn, image files are what they are."""

import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing

import pypdfium2

from ingestion.parse.media_type import IMAGES, PDF
from ingestion.parse.media_type_detect import detect_media_type
from rag.domain.page_images import PageImage
from rag.errors import CorruptDocument, DocumentTooLarge, NoTextLayer

# Recognition gains nothing above 300 dots an inch and loses below 150.
_DOTS_PER_INCH = 200
_POINTS_PER_INCH = 72
# An A3 sheet at 200 dots an inch has 7.7 million; of a poster less is drawn.
_MOST_PIXELS = 12_000_000


def page_images(
    body: bytes, *, name: str, declared: str | None, most_pages: int, pages: Sequence[int] | None = None
) -> Iterator[PageImage]:
    """In order, of a PDF only `pages` (from 1) where they are given.

    Raises DocumentRejected, NoTextLayer for what cannot be drawn.
    """
    kind = detect_media_type(body, name=name, declared=declared)
    if kind == PDF:
        yield from _drawn(body, pages, most_pages)
    elif kind in IMAGES:
        yield PageImage(body=body, document_type=kind)
    else:
        raise NoTextLayer("The document holds no text, and no pages that text could be recognised on.")


def _drawn(body: bytes, pages: Sequence[int] | None, most_pages: int) -> Iterator[PageImage]:
    try:
        with closing(pypdfium2.PdfDocument(body)) as document:
            numbers = range(1, len(document) + 1) if pages is None else pages
            if len(numbers) > most_pages:
                raise DocumentTooLarge(
                    f"The PDF has {len(numbers):,} pages without text; at most {most_pages:,} are recognised"
                    " (ACERVO_OCR_MAX_PAGES). Split it into smaller documents."
                )
            for number in numbers:
                with closing(document[number - 1]) as page:
                    yield PageImage(body=_image(page), document_type=PDF)
    except pypdfium2.PdfiumError as error:
        raise CorruptDocument("The PDF is damaged. Send the original again.") from error


def _image(page: pypdfium2.PdfPage) -> bytes:
    width, height = page.get_size()
    scale = _DOTS_PER_INCH / _POINTS_PER_INCH
    scale = min(scale, math.sqrt(_MOST_PIXELS / max(1.0, width * height)))
    with closing(page.render(scale=scale, grayscale=True)) as bitmap:
        return grey_png(bytes(bitmap.buffer), width=bitmap.width, height=bitmap.height, stride=bitmap.stride)


def grey_png(pixels: bytes, *, width: int, height: int, stride: int) -> bytes:
    """From one byte a pixel and `stride` bytes a row; the format: https://www.w3.org/TR/png-3/ ."""
    rows = b"".join(b"\x00" + pixels[start : start + width] for start in range(0, height * stride, stride))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, level=1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
