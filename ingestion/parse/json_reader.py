"""JSON and JSON lines as readable text."""

import re
from collections.abc import Iterator

from ingestion.parse.builder import TextBuilder, clean, one_line
from ingestion.parse.encoding import decode
from ingestion.parse.garbage import uncollected
from ingestion.parse.json_values import add_value, load, record_text, text_member, text_of
from ingestion.parse.media_type import JSON, JSONL
from ingestion.parse.text_stream import Pieces, lines_of, pieces_of
from rag.domain.content import BlockKind, ExtractedText
from rag.errors import CorruptDocument, DocumentRejected

# What a key may end in, and no "line 7".
_PLAIN_NAME = re.compile(r"[^\s/.][^\s/]{0,199}")
_TITLES = ("title", "name", "título", "titulo", "nome")


@uncollected()
def parse_json(body: bytes) -> ExtractedText:
    """One value; or one a line, which many call JSON as well. Raises CorruptDocument with the position."""
    text = decode(body)
    try:
        value = load(text)
    except CorruptDocument:
        if not _looks_like_lines(text):
            raise
        return parse_json_lines(body)
    builder = TextBuilder()
    add_value(builder, value)
    return builder.finish(JSON, text_member(value, _TITLES))


def parse_json_lines(body: bytes) -> ExtractedText:
    """A block for each line."""
    builder = TextBuilder()
    add_lines(builder, pieces_of(body))
    return builder.finish(JSONL)


def add_lines(builder: TextBuilder, pieces: Pieces) -> None:
    """Raises CorruptDocument with the number of the line."""
    for number, line in _numbered_lines(pieces):
        builder.add(BlockKind.PARAGRAPH, record_text(load(line, where=f"line {number}")))


def named_lines(pieces: Pieces) -> Iterator[tuple[str, str]]:
    """Each line that holds text, by its `id` where no line before has the same, else its number from 1."""
    names: set[str] = set()
    for number, line in _numbered_lines(pieces):
        value = load(line, where=f"line {number}")
        if not record_text(value):
            continue
        said = one_line(clean(text_of(value, "id")))
        plain = said if _PLAIN_NAME.fullmatch(said) else ""
        name = plain if plain and plain not in names else f"line {number}"
        names.add(name)
        yield name, line


def _numbered_lines(pieces: Pieces) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines_of(pieces), start=1):
        if line.strip():
            yield number, line


def _looks_like_lines(text: str) -> bool:
    """Whether the first two lines are values of their own."""
    first = [line for line in text[:100_000].split("\n") if line.strip()][:2]
    try:
        return len([load(line) for line in first]) == len(first) > 1
    except DocumentRejected:
        return False
