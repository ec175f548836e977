"""A document's extracted text, its blocks and its chunks; offsets count code points, half-open."""

from array import array
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias, overload

Vector = Sequence[float]
# Vectors with the numbers of their texts, in any order; to be closed where it is not read to its end.
VectorStream: TypeAlias = Generator[list[tuple[int, Vector]], None, None]


class BlockKind(StrEnum):
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list_item"
    TABLE_ROW = "table_row"
    CODE = "code"


BLOCK_KINDS: Final = tuple(BlockKind)


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


class Blocks(Sequence[Block]):
    """Blocks in columns, 11 bytes each; every one is made where it is asked for.

    To make a table's 20,000 as objects takes longer than to split its text into cells. `kinds` are places in
    BLOCK_KINDS. Raises ValueError for columns that do not fit together.
    """

    def __init__(
        self, *, kinds: bytes, starts: "array[int]", ends: "array[int]", levels: bytes, headers: bytes
    ) -> None:
        if any(len(each) != len(kinds) for each in (starts, ends, levels, headers)):
            raise ValueError("columns of different lengths")
        if max(kinds, default=0) >= len(BLOCK_KINDS):
            raise ValueError("an unknown kind of block")
        self.kinds, self.levels, self.headers = kinds, levels, headers
        self.starts, self.ends = starts, ends

    @classmethod
    def of(cls, blocks: Iterable[Block]) -> "Blocks":
        if isinstance(blocks, Blocks):
            return blocks
        found = tuple(blocks)
        return cls(
            kinds=bytes(BLOCK_KINDS.index(block.kind) for block in found),
            starts=array("I", (block.start for block in found)),
            ends=array("I", (block.end for block in found)),
            levels=bytes(block.level for block in found),
            headers=bytes(block.header for block in found),
        )

    def __len__(self) -> int:
        return len(self.kinds)

    @overload
    def __getitem__(self, index: int) -> Block: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Block, ...]: ...

    def __getitem__(self, index: int | slice) -> Block | tuple[Block, ...]:
        if isinstance(index, slice):
            return tuple(self[each] for each in range(*index.indices(len(self))))
        return Block(
            kind=BLOCK_KINDS[self.kinds[index]],
            start=self.starts[index],
            end=self.ends[index],
            level=self.levels[index],
            header=bool(self.headers[index]),
        )

    def __iter__(self) -> Iterator[Block]:
        columns = zip(self.kinds, self.starts, self.ends, self.levels, self.headers, strict=True)
        for kind, start, end, level, header in columns:
            yield Block(kind=BLOCK_KINDS[kind], start=start, end=end, level=level, header=bool(header))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Blocks({list(self)!r})"


@dataclass(frozen=True, kw_only=True)
class ExtractedText:
    """What a reader makes of a file.

    `page_starts[i]` is the offset at which page i + 1 begins; empty where the format has no pages.
    `unread_pages` are the numbers, from 1, of pages that show something and hold no text.
    """

    text: str
    blocks: Sequence[Block]
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
