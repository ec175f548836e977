"""PDF: the text layer page by page, as paragraphs, lists and headings in reading order."""

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import pairwise

import pypdfium2
import pypdfium2.raw as pdfium

from ingestion.parse.builder import TextBuilder, one_line
from ingestion.parse.limits import MAX_TEXT_CHARACTERS
from ingestion.parse.media_type import PDF
from ingestion.parse.pdf_lines import Line, read_lines
from ingestion.parse.pdf_paragraphs import Layout, Paragraph, paragraphs, without_running_titles
from rag.domain.content import BlockKind, ExtractedText
from rag.errors import CorruptDocument, DocumentTooLarge, EmptyDocument, EncryptedDocument, NoTextLayer

# PDFium is not safe to call from two threads, not even on two documents.
_PDFIUM = threading.Lock()
_SENTENCE_ENDS = ".!?:;…"


def parse_pdf(body: bytes) -> ExtractedText:
    with _PDFIUM:
        pages, title = _read(body)
    if not any(page.lines for page in pages):
        raise NoTextLayer(
            "The pages are images without text. Run text recognition (OCR) and send the result."
        )
    found = put_together([page.lines for page in pages], PDF, title)
    unread = tuple(number for number, page in enumerate(pages, start=1) if page.shows and not page.lines)
    return replace(found, unread_pages=unread)


def put_together(pages: list[list[Line]], media_type: str, title: str | None = None) -> ExtractedText:
    """Pages of lines as paragraphs, lists and headings, without what repeats on every page."""
    pages = without_running_titles(pages)
    layout = Layout.of(pages)
    return joined((paragraphs(page, layout) for page in pages), media_type, title)


def joined(pages: Iterable[Sequence[Paragraph]], media_type: str, title: str | None = None) -> ExtractedText:
    builder = TextBuilder()
    for page in pages:
        builder.open_page()
        _add_page(builder, page)
    return builder.finish(media_type, title)


def pages_of(found: ExtractedText) -> list[list[Paragraph]]:
    """The pages that were joined; a paragraph that ran from one to the next is two again."""
    starts = found.page_starts
    pages: list[list[Paragraph]] = [[] for _ in starts]
    for block in found.blocks:
        first = bisect_right(starts, block.start) - 1
        last = bisect_left(starts, block.end) - 1
        edges = [block.start, *starts[first + 1 : last + 1], block.end]
        for page, (start, end) in zip(pages[first : last + 1], pairwise(edges), strict=True):
            if text := found.text[start:end].strip():
                page.append(Paragraph(kind=block.kind, text=text, level=block.level))
    return pages


@dataclass(frozen=True, kw_only=True)
class _Page:
    """`shows`: there is anything on it."""

    lines: list[Line]
    shows: bool


def _read(body: bytes) -> tuple[list[_Page], str | None]:
    try:
        with closing(pypdfium2.PdfDocument(body)) as document:
            pages = list(_pages(document))
            return pages, document.get_metadata_value("Title") or None
    except pypdfium2.PdfiumError as error:
        raise _rejection(error) from error


def _rejection(error: pypdfium2.PdfiumError) -> EncryptedDocument | CorruptDocument:
    if error.err_code in {pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY}:
        return EncryptedDocument("The PDF is protected by a password. Remove the password and send it again.")
    return CorruptDocument("The PDF is damaged. Send the original again.")


def _pages(document: pypdfium2.PdfDocument) -> Iterator[_Page]:
    if not len(document):
        raise CorruptDocument("The PDF has no pages. Send the original again.")
    characters = objects = 0
    for index in range(len(document)):
        with closing(document[index]) as page, closing(page.get_textpage()) as text:
            shown = pdfium.FPDFPage_CountObjects(page.raw)
            objects += shown
            characters += text.count_chars()
            if characters > MAX_TEXT_CHARACTERS:
                raise DocumentTooLarge("The PDF holds too much text. Split it into smaller documents.")
            yield _Page(lines=read_lines(text), shows=shown > 0)
    if not objects:
        raise EmptyDocument("The PDF's pages are blank. Check that the right file was sent.")


def _add_page(builder: TextBuilder, found: Sequence[Paragraph]) -> None:
    for index, paragraph in enumerate(found):
        if index == 0 and paragraph.kind is BlockKind.PARAGRAPH and _continues(builder, paragraph.text):
            builder.extend(paragraph.text)
        else:
            builder.add(paragraph.kind, paragraph.text, level=paragraph.level)


def _continues(builder: TextBuilder, text: str) -> bool:
    """A page that begins with a small letter continues the sentence that the last page left open."""
    last = builder.last()
    if last is None or last[0] is not BlockKind.PARAGRAPH:
        return False
    return one_line(text)[:1].islower() and last[1][-1] not in _SENTENCE_ENDS
