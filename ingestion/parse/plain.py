"""Plain text in any encoding."""

import re
from collections.abc import Iterator

from ingestion.parse.builder import TextBuilder
from ingestion.parse.limits import LONGEST_PARAGRAPH
from ingestion.parse.media_type import PLAIN
from ingestion.parse.text_stream import Pieces, cleaned, pieces_of
from rag.domain.content import BlockKind, ExtractedText

_BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*")
_LIST_LINE = re.compile(r"\s*(?:[-*+•‣▪●]|\d{1,3}[.)]|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})\))[^\S\n]+\S")
_LONGER_THAN_ANY_WRAPPED_LINE = 200


def parse_plain(body: bytes) -> ExtractedText:
    builder = TextBuilder()
    add_text(builder, pieces_of(body))
    return builder.finish(PLAIN)


def add_text(builder: TextBuilder, pieces: Pieces) -> None:
    for paragraph in _paragraphs(cleaned(pieces)()):
        _add_paragraph(builder, paragraph)


def add_plain(builder: TextBuilder, text: str) -> None:
    add_text(builder, lambda: iter((text,)))


def _paragraphs(pieces: Iterator[str]) -> Iterator[str]:
    rest = ""
    for piece in pieces:
        whole, blank, rest = (rest + piece).rpartition("\n\n")
        if blank:
            yield from _parted(whole)
        while len(rest) > LONGEST_PARAGRAPH:
            end = rest.rfind("\n", 0, LONGEST_PARAGRAPH) + 1 or len(rest)
            yield from _parted(rest[:end])
            rest = rest[end:]
    yield from _parted(rest)


def _parted(text: str) -> Iterator[str]:
    for paragraph in _BLANK_LINE.split(text):
        start = 0
        while len(paragraph) - start > LONGEST_PARAGRAPH:
            end = paragraph.rfind("\n", start, start + LONGEST_PARAGRAPH) + 1 or len(paragraph)
            yield paragraph[start:end]
            start = end
        yield paragraph[start:]


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
