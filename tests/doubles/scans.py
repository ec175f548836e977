"""Scanned pages whose writing a fake can read: each line is a strip of bars, eight to a byte."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import chain, pairwise
from struct import unpack_from

from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from ingestion.parse.page_images import grey_png

_INK, _PAPER, _EDGE = 0, 255, 128
# In points; at 200 dots an inch a bar is 3.3 pixels wide.
_BAR, _STRIP, _PITCH = 1.2, 10.0, 14.0


@dataclass(frozen=True, kw_only=True)
class Written:
    """A line of text with its lower left corner on the page, in points."""

    text: str
    left: float
    foot: float


@dataclass(frozen=True, kw_only=True)
class Strip:
    """A line found on an image; its edges are shares of the image's size."""

    text: str
    left: float
    top: float
    width: float
    height: float


def column(texts: Sequence[str], *, left: float = 50, top: float = 780) -> list[Written]:
    return [Written(text=text, left=left, foot=top - _PITCH * line) for line, text in enumerate(texts)]


def scanned_pdf(pages: Sequence[Sequence[Written]]) -> bytes:
    """Each line is a picture; there is no text in the file."""
    written = BytesIO()
    canvas = Canvas(written, pagesize=A4, invariant=True)
    for page in pages:
        draw_scan(canvas, page)
        canvas.showPage()
    canvas.save()
    return written.getvalue()


def draw_scan(canvas: Canvas, page: Sequence[Written]) -> None:
    for line in page:
        bars = _bars(line.text)
        image = ImageReader(BytesIO(grey_png(bars, width=len(bars), height=1, stride=len(bars))))
        canvas.drawImage(image, line.left, line.foot, width=_BAR * len(bars), height=_STRIP)


def strips(png: bytes) -> Iterator[Strip]:
    """From top to bottom, and from left to right where strips stand side by side."""
    width, height, rows = _pixels(png)
    band: list[bytes] = []
    for number, row in enumerate([*rows, bytes([_PAPER]) * width]):
        if any(pixel < _EDGE for pixel in row):
            band.append(row)
        elif band:
            yield from _in_band(band, number - len(band), width, height)
            band = []


def _bars(text: str) -> bytes:
    """A bar of ink at both ends, then for every bit a bar of ink or of paper followed by one of ink."""
    bits = "".join(f"{byte:08b}" for byte in text.encode())
    return bytes([_INK]) + b"".join(bytes([_INK if bit == "1" else _PAPER, _INK]) for bit in bits)


def _in_band(band: list[bytes], top: int, width: int, height: int) -> Iterator[Strip]:
    row = band[len(band) // 2]
    bar = width / (A4[0] / _BAR)
    ink = [place for place, pixel in enumerate(row) if pixel < _EDGE]
    gaps = [(before, after) for before, after in pairwise(ink) if after - before > 4 * bar]
    edges = [ink[0], *chain.from_iterable(gaps), ink[-1]]
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        yield Strip(
            text=_read(row[start : end + 1], bar),
            left=start / width,
            top=top / height,
            width=(end + 1 - start) / width,
            height=len(band) / height,
        )


def _read(row: bytes, bar: float) -> str:
    count = 1 + 16 * round((len(row) / bar - 1) / 16)
    middle = [row[int((number + 0.5) * len(row) / count)] < _EDGE for number in range(1, count, 2)]
    bits = "".join("1" if ink else "0" for ink in middle)
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)).decode()


def _pixels(png: bytes) -> tuple[int, int, list[bytes]]:
    """Of an image of one byte a pixel and rows without a filter. Raises ValueError."""
    if not png.startswith(b"\x89PNG\r\n\x1a\n"):
        raise ValueError("not a PNG")
    width, height, depth, colour = unpack_from(">IIBB", png, 16)
    data, at = b"", 8
    while at < len(png):
        (length,) = unpack_from(">I", png, at)
        kind, content = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        (checksum,) = unpack_from(">I", png, at + 8 + length)
        if zlib.crc32(kind + content) != checksum:
            raise ValueError("a damaged chunk")
        data += content if kind == b"IDAT" else b""
        at += 12 + length
    raw = zlib.decompress(data)
    if (depth, colour) != (8, 0) or len(raw) != height * (width + 1) or any(raw[:: width + 1]):
        raise ValueError("another kind of image")
    return width, height, [raw[start + 1 : start + 1 + width] for start in range(0, len(raw), width + 1)]
