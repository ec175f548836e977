"""Which encoding a text is in, where nobody says so."""

import codecs
import re

from charset_normalizer import from_bytes

from ingestion.parse.media_type_text import utf16_without_bom
from rag.errors import CorruptDocument

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark begins the same
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WESTERN = frozenset(
    "áàâãäåæçéèêëíìîïñóòôõöøœúùûüýÿßÁÀÂÃÄÅÆÇÉÈÊËÍÌÎÏÑÓÒÔÕÖØŒÚÙÛÜÝªº°§€£·–—“”‘’«»…•¿¡²³½¼´\xa0"
)
_GUESS_BYTES = 100_000
# What tells an encoding that is not of Unicode, of a file too large to be looked through.
LEGACY_SAMPLE_BYTES = 1_000_000
_ASCII = re.compile(r"[\x00-\x7f]+")
_HIGH = re.compile(rb"[\x80-\xff]+")


def decode(body: bytes) -> str:
    """The text of bytes in an unnamed encoding. Raises CorruptDocument where none can be told."""
    if marked := marked_encoding(body):
        encoding, mark = marked
        return body[mark:].decode(encoding, "replace")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode(legacy_encoding(body), "replace")


def marked_encoding(body: bytes) -> tuple[str, int] | None:
    """The encoding that the first bytes give away, and the length of its mark."""
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return encoding, len(mark)
    utf16 = utf16_without_bom(body)
    return (utf16, 0) if utf16 else None


def legacy_encoding(body: bytes) -> str:
    """Of bytes that are not UTF-8, or damaged UTF-8. Raises CorruptDocument where none can be told."""
    if _is_damaged_utf8(body.decode("utf-8", "replace")):
        return "utf-8"
    if _is_western(body.decode("cp1252", "replace")):
        return "cp1252"
    high = _HIGH.search(body)
    first = max(0, high.start() - _GUESS_BYTES // 10) if high else 0
    best = from_bytes(body[first : first + _GUESS_BYTES]).best()
    if best is None:
        raise CorruptDocument("The text is in an unknown encoding. Save it as UTF-8 and send it again.")
    return best.encoding


def _is_damaged_utf8(text: str) -> bool:
    """Ten whole characters outside ASCII for each broken one: a cut or mixed file, not another encoding."""
    broken = text.count("�")
    return len(_ASCII.sub("", text)) - broken > 10 * broken


def _is_western(text: str) -> bool:
    """Nearly all characters outside ASCII are those of Western European languages.

    charset-normalizer alone takes short Portuguese texts in cp1252 for Central European ones.
    """
    high = _ASCII.sub("", text)
    return sum(character in _WESTERN for character in high) >= 0.97 * len(high)
