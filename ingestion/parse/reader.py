"""From a file's bytes to its extracted text: the one door to all readers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

from ingestion.parse.builder import Emit, Parts, TextBuilder
from ingestion.parse.limits import PROBE_BYTES
from ingestion.parse.media_type import (
    CSV,
    DOCX,
    EML,
    EPUB,
    HTML,
    JPEG,
    JSON,
    JSONL,
    MARKDOWN,
    ODP,
    ODS,
    ODT,
    PDF,
    PLAIN,
    PNG,
    PPTX,
    RTF,
    TIFF,
    TSV,
    XLSX,
    XML,
)
from ingestion.parse.media_type_detect import detect_media_type
from ingestion.parse.media_type_text import is_text
from ingestion.parse.text_stream import Pieces, pieces_in, read_at
from rag.domain.content import ExtractedText
from rag.errors import DocumentTooLarge, EmptyDocument

# Raised whenever the same bytes may give another text.
PARSER_VERSION = 3

# Module and function: a parser is imported when the first file of its format arrives.
_READERS: Mapping[str, tuple[str, str]] = {
    PLAIN: ("plain", "parse_plain"),
    MARKDOWN: ("markdown", "parse_markdown"),
    HTML: ("html", "parse_html"),
    PDF: ("pdf", "parse_pdf"),
    DOCX: ("docx", "parse_docx"),
    CSV: ("csv_reader", "parse_csv"),
    TSV: ("csv_reader", "parse_tsv"),
    JSON: ("json_reader", "parse_json"),
    JSONL: ("json_reader", "parse_json_lines"),
    XML: ("xml_reader", "parse_xml"),
    XLSX: ("xlsx", "parse_xlsx"),
    PPTX: ("pptx", "parse_pptx"),
    ODT: ("odt", "parse_odt"),
    ODP: ("odt", "parse_odp"),
    ODS: ("odt", "parse_ods"),
    EML: ("eml", "parse_eml"),
    EPUB: ("epub", "parse_epub"),
    RTF: ("rtf", "parse_rtf"),
    PNG: ("image", "parse_image"),
    JPEG: ("image", "parse_image"),
    TIFF: ("image", "parse_image"),
}
# Formats of which a large file is never whole in memory.
_STREAMS: Mapping[str, tuple[str, str]] = {
    PLAIN: ("plain", "add_text"),
    CSV: ("csv_reader", "add_csv"),
    TSV: ("csv_reader", "add_tsv"),
    JSONL: ("json_reader", "add_lines"),
}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """`whole_bytes` holds where a file must be read as a whole; `characters` where it is a stream."""

    whole_bytes: int
    characters: int


def parse(body: bytes, *, name: str, declared: str | None = None) -> ExtractedText:
    """The text of a file called `name`, declared as media type `declared`. Raises DocumentRejected."""
    if not body.strip():
        raise EmptyDocument("The file is empty. Check that the right file was sent.")
    return _reader(detect_media_type(body, name=name, declared=declared))(body)


def parse_file(
    descriptor: int, size: int, *, name: str, declared: str | None, limits: Limits, emit: Emit
) -> None:
    """Hands on the text of a large open file in parts, which joined are the text. Raises DocumentRejected."""
    opening = read_at(descriptor, 0, PROBE_BYTES)
    media_type = detect_media_type(opening, name=name, declared=declared) if is_text(opening) else ""
    if media_type in _STREAMS:
        builder = TextBuilder(Parts(emit=emit, media_type=media_type, most_characters=limits.characters))
        _stream(media_type)(builder, pieces_in(descriptor))
        emit(builder.finish(media_type))
        return
    if size > limits.whole_bytes:
        raise DocumentTooLarge(
            f"The document has {size:,} bytes; the limit is {limits.whole_bytes:,}"
            " (ACERVO_MAX_DOCUMENT_BYTES) for files that are neither CSV, JSON lines nor plain text."
        )
    emit(parse(read_at(descriptor, 0, size), name=name, declared=declared))


def _reader(media_type: str) -> Callable[[bytes], ExtractedText]:
    return cast("Callable[[bytes], ExtractedText]", _imported(*_READERS[media_type]))


def _stream(media_type: str) -> Callable[[TextBuilder, Pieces], None]:
    return cast("Callable[[TextBuilder, Pieces], None]", _imported(*_STREAMS[media_type]))


def _imported(module: str, function: str) -> Any:
    return getattr(import_module(f"ingestion.parse.{module}"), function)
