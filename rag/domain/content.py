"""A document's extracted text, its blocks and its chunks; offsets count code points, half-open."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

Vector = Sequence[float]
# Vectors with the numbers of their texts, in any order; to be closed where it is not read to its end.
VectorStream: TypeAlias = Generator[list[tuple[int, Vector]], None, None]


class BlockKind(StrEnum):
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list_item"
    TABLE_ROW = "table_row"
    CODE = "code"


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A span of the text with a role. Blocks are in order and do not overlap.

    `level` is 1–6 for headings. `header` is true for the row that names a table's columns.
    """

    kind: BlockKind
    start: int
    end: int
    level: int = 0
    header: bool = False


@dataclass(frozen=True, kw_only=True)
class ExtractedText:
    """What a reader makes of a file.

    `page_starts[i]` is the offset at which page i + 1 begins; empty where the format has no pages.
    `unread_pages` are the numbers, from 1, of pages that show something and hold no text.
    """

    text: str
    blocks: tuple[Block, ...]
    media_type: str
    title: str | None = None
    page_starts: tuple[int, ...] = ()
    unread_pages: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TextPart:
    """A piece of a document's text as it is stored: in order of `number` the parts are the whole.

    `start` is where it begins in the whole text, to which `page_starts` refer as well.
    """

    text: str
    page_starts: tuple[int, ...] = ()
    number: int = 0
    start: int = 0

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@dataclass(frozen=True, kw_only=True)
class StoredText:
    """A document's text part by part as it is asked for; `size` is that of the whole in bytes of UTF-8.

    The parts are of one version: where that is replaced meanwhile, the next raises TextReplaced.
    """

    size: int
    parts: Iterator[str]


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A passage to be: `text == document_text[start:end]`, always.

    `page` is the page of `start` (from 1). Each offset in `page_breaks` begins a further page.
    `headings` is the path from the document's top heading to the chunk's own.
    """

    ordinal: int
    start: int
    end: int
    text: str
    page: int | None = None
    page_breaks: tuple[int, ...] = ()
    headings: tuple[str, ...] = field(default=())


@dataclass(frozen=True, kw_only=True)
class EmbeddedChunk:
    """A chunk with what is stored beside it.

    `context` (title, heading path) is analysed and embedded with the text, never shown or cited.
    `terms` are the codes of the analysed terms of both, with their counts (rag/text/term_codes.py).
    """

    chunk: Chunk
    context: str
    terms: Sequence[int]
    embedded_sha256: bytes
    embedding: Vector
