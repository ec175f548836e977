"""A long document is read in bounded memory."""

from contextlib import closing

from ingestion.isolation import IsolatedParser
from rag.settings import ParsingSettings

PAGES = 2_000
MOST_BYTES = 600_000_000


def _long_pdf() -> bytes:
    """Written by hand, which is quicker than by a library; its pages share their text."""
    text = "".join(f"1 0 0 1 72 {780 - 40 * line} Tm (Line {line} of a page) Tj " for line in range(8))
    stream = f"BT /F1 12 Tf {text}ET".encode()
    pages = b"".join(
        b"%d 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R"
        b"/Resources<</Font<</F1 3 0 R>>>>>>endobj\n" % number
        for number in range(10, 10 + PAGES)
    )
    kids = b" ".join(b"%d 0 R" % number for number in range(10, 10 + PAGES))
    return (
        b"%%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Count %d/Kids[%b]>>endobj\n"
        b"3 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n"
        b"4 0 obj<</Length %d>>stream\n%b\nendstream endobj\n%b"
        b"trailer<</Root 1 0 R/Size %d>>\n%%%%EOF" % (PAGES, kids, len(stream), stream, pages, 10 + PAGES)
    )


def test_two_thousand_pages_of_pdf() -> None:
    with closing(IsolatedParser(ParsingSettings(parser_memory_bytes=MOST_BYTES))) as parser:
        found = parser.parse(_long_pdf(), name="long.pdf")
        assert len(found.page_starts) == PAGES
        assert 0 < parser.peak_bytes < MOST_BYTES


def test_a_table_of_twenty_megabytes() -> None:
    row = b"12,Ana Maria,1234.50,2026-01-31,paid within thirty days of the receipt\n"
    body = b"id,name,amount,day,note\n" + row * (20_000_000 // len(row))
    with closing(IsolatedParser(ParsingSettings(parser_memory_bytes=MOST_BYTES))) as parser:
        found = parser.parse(body, name="long.csv")
        assert len(found.blocks) > 250_000
        assert 0 < parser.peak_bytes < MOST_BYTES
