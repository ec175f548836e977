"""Whether bytes are text, and which text format they are in."""

import json
import re

from ingestion.parse.media_type import (
    BINARY,
    CSV,
    EML,
    HTML,
    JSON,
    JSONL,
    KNOWN,
    MARKDOWN,
    PLAIN,
    SVG,
    TSV,
    XML,
    suffix,
)
from rag.errors import CorruptDocument

PROBE = 4096
_UNICODE_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff", b"\xef\xbb\xbf")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_MOST_CONTROL_CHARACTERS = 0.01
# An XML declaration, comments, processing instructions and a document type before the root element.
_PROLOGUE = r"\s*(?:(?:<\?[^>]{0,400}>|<!--(?:[^-]|-(?!->)){0,2000}-->|<!doctype\s[^>\[]{0,400}>)\s*)*"
_HTML_OPENING = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--(?:[^-]|-(?!->)){0,2000}-->\s*)*"
    r"<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE,
)
_XML_OPENING = re.compile(r"\s*<\?xml\s", re.IGNORECASE)
_SVG_OPENING = re.compile(_PROLOGUE + r"<(?:svg:)?svg\b", re.IGNORECASE)
_HEADER_FIELD = re.compile(
    r"(?:\A|\n)(From|To|Subject|Date|Received|Message-ID|MIME-Version): ", re.IGNORECASE
)
_FEWEST_HEADER_FIELDS = 3
_LONGEST_JSON = 1_000_000
# A text that calls itself one of these is taken at its word, unless it plainly is a page or XML.
_TAKEN_AT_THEIR_WORD = frozenset({MARKDOWN, CSV, TSV, JSON, JSONL, EML})


def is_text(body: bytes) -> bool:
    """Whether the bytes are text in some encoding."""
    if body.startswith(_UNICODE_BOMS) or utf16_without_bom(body):
        return True
    probe = body[:PROBE]
    return b"\0" not in body and len(_CONTROL.findall(probe)) <= len(probe) * _MOST_CONTROL_CHARACTERS


def utf16_without_bom(body: bytes) -> str | None:
    """The UTF-16 variant of Latin text, told by its zero bytes: every second one."""
    probe = body[: PROBE - PROBE % 2]
    even, odd = probe[::2].count(0), probe[1::2].count(0)
    if odd > len(probe) * 0.35 and even == 0:
        return "utf-16-le"
    if even > len(probe) * 0.35 and odd == 0:
        return "utf-16-be"
    return None


def text_type(body: bytes, stated: str, name: str) -> str | None:
    """The text format, None for text that is no document. Raises CorruptDocument."""
    if stated in BINARY:
        raise CorruptDocument(
            f"The file calls itself {stated}, but its content is text. Send the original again."
        )
    if suffix(name) in {".txt", ".text"} and stated in {PLAIN, ""}:
        return PLAIN
    opening = body[:PROBE].replace(b"\0", b"").decode("ascii", "ignore")
    if stated == HTML or _HTML_OPENING.match(opening):
        return HTML
    if stated == SVG or _SVG_OPENING.match(opening):
        return SVG
    if stated == XML or (stated != MARKDOWN and _XML_OPENING.match(opening)):
        return XML
    if stated in _TAKEN_AT_THEIR_WORD:
        return stated
    return None if stated in KNOWN - {PLAIN} else _unnamed_type(body, opening)


def _unnamed_type(body: bytes, opening: str) -> str:
    head = opening.partition("\n\n")[0].partition("\r\n\r\n")[0]
    fields = {match[1].lower() for match in _HEADER_FIELD.finditer(head.replace("\r\n", "\n"))}
    if len(fields) >= _FEWEST_HEADER_FIELDS:
        return EML
    if opening.lstrip().startswith(("{", "[")):
        return _json_type(body) or PLAIN
    return PLAIN


def _json_type(body: bytes) -> str | None:
    if len(body) <= _LONGEST_JSON and _is_json(body):
        return JSON
    lines = [line for line in body[:PROBE].splitlines()[:-1] if line.strip()] or body.splitlines()[:1]
    return JSONL if all(line.lstrip().startswith(b"{") and _is_json(line) for line in lines) else None


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True
