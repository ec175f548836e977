"""From a file's bytes to its extracted text: the one door to all readers."""

from collections.abc import Callable, Mapping

from ingestion.parse.docx import parse_docx
from ingestion.parse.html import parse_html
from ingestion.parse.markdown import parse_markdown
from ingestion.parse.media_type import DOCX, HTML, MARKDOWN, PDF, PLAIN, media_type
from ingestion.parse.pdf import parse_pdf
from ingestion.parse.plain import parse_plain
from rag.domain.content import ExtractedText
from rag.errors import EmptyDocument

# Raised whenever the same bytes may give another text.
PARSER_VERSION = 1

_READERS: Mapping[str, Callable[[bytes], ExtractedText]] = {
    PLAIN: parse_plain,
    MARKDOWN: parse_markdown,
    HTML: parse_html,
    PDF: parse_pdf,
    DOCX: parse_docx,
}


def parse(body: bytes, *, name: str, declared: str | None = None) -> ExtractedText:
    """The text of a file called `name`, declared as media type `declared`. Raises DocumentRejected."""
    if not body.strip():
        raise EmptyDocument("The file is empty. Check that the right file was sent.")
    return _READERS[media_type(body, name=name, declared=declared)](body)
