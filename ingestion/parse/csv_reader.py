"""CSV and TSV: rows as blocks; delimiter, quoting and header told by the content."""

from ingestion.parse.builder import TextBuilder, clean
from ingestion.parse.csv_dialect import find_dialect
from ingestion.parse.encoding import decode
from ingestion.parse.limits import MAX_TEXT_CHARACTERS
from ingestion.parse.media_type import CSV, TSV
from ingestion.parse.tables import add_tables
from ingestion.parse.text_stream import Pieces, cleaned
from rag.domain.content import ExtractedText
from rag.errors import DocumentTooLarge


def parse_csv(body: bytes) -> ExtractedText:
    return _parse(body, CSV, expected=",")


def parse_tsv(body: bytes) -> ExtractedText:
    return _parse(body, TSV, expected="\t")


def add_csv(builder: TextBuilder, pieces: Pieces) -> None:
    _add(builder, cleaned(pieces), expected=",")


def add_tsv(builder: TextBuilder, pieces: Pieces) -> None:
    _add(builder, cleaned(pieces), expected="\t")


def _parse(body: bytes, media_type: str, *, expected: str) -> ExtractedText:
    text = clean(decode(body))
    if len(text) > MAX_TEXT_CHARACTERS:
        raise DocumentTooLarge(
            f"The table holds more than {MAX_TEXT_CHARACTERS:,} characters. Split it into smaller files."
        )
    builder = TextBuilder()
    _add(builder, lambda: iter((text,)), expected=expected)
    return builder.finish(media_type)


def _add(builder: TextBuilder, pieces: Pieces, *, expected: str) -> None:
    add_tables(builder, find_dialect(pieces, expected=expected).table(pieces))
