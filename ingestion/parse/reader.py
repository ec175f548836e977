"""From a file's bytes to its extracted text: the one door to all readers."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import cast

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
from rag.domain.content import ExtractedText
from rag.errors import EmptyDocument

# Raised whenever the same bytes may give another text.
PARSER_VERSION = 2

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


def parse(body: bytes, *, name: str, declared: str | None = None) -> ExtractedText:
    """The text of a file called `name`, declared as media type `declared`. Raises DocumentRejected."""
    if not body.strip():
        raise EmptyDocument("The file is empty. Check that the right file was sent.")
    return _reader(detect_media_type(body, name=name, declared=declared))(body)


def _reader(media_type: str) -> Callable[[bytes], ExtractedText]:
    module, function = _READERS[media_type]
    return cast(
        "Callable[[bytes], ExtractedText]", getattr(import_module(f"ingestion.parse.{module}"), function)
    )
