"""What the headers of an S3 object say of it."""

from collections.abc import Mapping
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import Any

from rag.domain.documents import Attributes

UNKNOWN = "application/octet-stream"
_SAYS_NOTHING = frozenset({"", "binary/octet-stream", UNKNOWN})


def content_type(media_type: str | None) -> str | None:
    """The media type as a header; None: a header cannot say it."""
    said = media_type or UNKNOWN
    return said if said.isascii() and said.isprintable() else None


def attributes(found: Mapping[str, Any]) -> Attributes:
    values = {name: _decoded(value) for name, value in found.get("Metadata", {}).items()}
    media_type = found.get("ContentType", "")
    return Attributes(
        title=values.pop("title", None) or None,
        media_type=None if media_type in _SAYS_NOTHING else media_type,
        metadata=values,
    )


def _decoded(value: str) -> str:
    """S3 returns header values beyond ASCII encoded by RFC 2047."""
    try:
        decoded = str(make_header(decode_header(value))) if "=?" in value else value
    except (HeaderParseError, LookupError, ValueError):
        return value
    return decoded.replace("\0", "")
