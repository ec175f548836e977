"""Plain text in any encoding."""

import codecs
import re

from charset_normalizer import from_bytes

from ingestion.parse.builder import TextBuilder, clean
from ingestion.parse.media_type import PLAIN
from ingestion.parse.media_type_text import utf16_without_bom
from rag.domain.content import BlockKind, ExtractedText
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
_ASCII = re.compile(r"[\x00-\x7f]+")
_HIGH = re.compile(rb"[\x80-\xff]+")
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*")
_LIST_LINE = re.compile(r"\s*(?:[-*+•‣▪●]|\d{1,3}[.)]|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})\))[^\S\n]+\S")
_LONGER_THAN_ANY_WRAPPED_LINE = 200


def parse_plain(body: bytes) -> ExtractedText:
    builder = TextBuilder()
    add_plain(builder, decode(body))
    return builder.finish(PLAIN)


def add_plain(builder: TextBuilder, text: str) -> None:
    for paragraph in _BLANK_LINE.split(clean(text)):
        _add_paragraph(builder, paragraph)


def decode(body: bytes) -> str:
    """The text of bytes in an unnamed encoding. Raises CorruptDocument where none can be told."""
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, "replace")
    if utf16 := utf16_without_bom(body):
        return body.decode(utf16, "replace")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_legacy(body)


def _decode_legacy(body: bytes) -> str:
    damaged = body.decode("utf-8", "replace")
    if _is_damaged_utf8(damaged):
        return damaged
    western = body.decode("cp1252", "replace")
    if _is_western(western):
        return western
    high = _HIGH.search(body)
    first = max(0, high.start() - _GUESS_BYTES // 10) if high else 0
    best = from_bytes(body[first : first + _GUESS_BYTES]).best()
    if best is None:
        raise CorruptDocument("The text is in an unknown encoding. Save it as UTF-8 and send it again.")
    return body.decode(best.encoding, "replace")


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


def _add_paragraph(builder: TextBuilder, paragraph: str) -> None:
    lines = [line.rstrip() for line in paragraph.split("\n") if line.strip()]
    if max(map(len, lines), default=0) > _LONGER_THAN_ANY_WRAPPED_LINE:
        for line in lines:  # nobody wrapped these lines: each is a paragraph
            builder.add(_kind(line), line)
        return
    group: list[str] = []
    for line in lines:
        if _LIST_LINE.match(line):
            _add_lines(builder, group)
            group = []
        group.append(line)
    _add_lines(builder, group)
    builder.set_apart()


def _add_lines(builder: TextBuilder, lines: list[str]) -> None:
    if lines:
        builder.add(_kind(lines[0]), "\n".join(lines))


def _kind(line: str) -> BlockKind:
    return BlockKind.LIST_ITEM if _LIST_LINE.match(line) else BlockKind.PARAGRAPH
