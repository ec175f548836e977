"""Which format a file is in: by its content first, then by what was declared, then by its name."""

import re

from ingestion.parse.media_type import IMAGES, PDF, SVG, stated_type
from ingestion.parse.media_type_binary import (
    archive_type,
    binary_error,
    ole_error,
    signature_type,
    unsupported,
)
from ingestion.parse.media_type_text import PROBE, is_text, text_type
from rag.errors import CorruptDocument

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PDF_OPENING = re.compile(rb"[\s\x00\xef\xbb\xbf]{0,1024}%PDF-")


def detect_media_type(body: bytes, *, name: str, declared: str | None = None) -> str:
    """The format of the file, one of the constants of `media_type`.

    Raises UnsupportedMediaType, CorruptDocument (a text that calls itself a PDF), EncryptedDocument.
    """
    stated = stated_type(name, declared)
    if _PDF_OPENING.match(body) or (stated == PDF and b"%PDF-" in body[:PROBE]):
        return PDF
    if body.startswith(_ZIP):
        return archive_type(body)
    if body.startswith(_OLE):
        raise ole_error(body)
    as_text = is_text(body)
    if found := signature_type(body, as_text=as_text):
        return found
    if not as_text:
        raise binary_error(stated)
    return _text_type(body, stated, name)


def _text_type(body: bytes, stated: str, name: str) -> str:
    if stated in IMAGES:
        raise CorruptDocument(
            f"The file calls itself {stated}, but its content is text. Send the original again."
        )
    found = text_type(body, stated, name)
    if found is None:
        raise unsupported(f"text that calls itself {stated}", "Send the original under its true name.")
    if found == SVG:
        raise unsupported("an SVG drawing", "Save it as PDF, with its text as text.")
    return found
