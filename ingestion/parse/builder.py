"""Extracted text that grows block by block, so that every span is exact by construction."""

import re
import unicodedata
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeAlias

from ingestion.parse.limits import MAX_TEXT_CHARACTERS, PART_CHARACTERS
from rag.domain.content import BLOCK_KINDS, BlockKind, Blocks, ExtractedText
from rag.errors import DocumentTooLarge, EmptyDocument

_LIGATURES = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
_LINE_BREAKS = dict.fromkeys(("\r\n", "\r", "\v", "\f", "\x85", "\u2028"), "\n") | {"\u2029": "\n\n"}
_SPACES = dict.fromkeys(
    "\x1c\x1d\x1e\x1f\xa0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B))), " "
)
_BULLETS = dict.fromkeys(map(chr, range(0xF000, 0xF100)), "•")  # signs of Symbol and Wingdings, nearly always
_REPLACEMENTS = _LIGATURES | _LINE_BREAKS | _SPACES | _BULLETS
# One class of characters, not alternatives: text is searched for it at 200 MB/s, not at 5.
_ODD = re.compile(
    r"[\x00-\x08\v\f\r\x0e-\x1f\x7f-\xa0\xad\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u2060\u3000"
    r"\ud800-\udfff\uf000-\uf0ff\ufb00-\ufb06\ufeff\ufffe\uffff](?:(?<=\r)\n)?"
)
_ODD_LATIN = bytes(code for code in range(256) if _ODD.match(chr(code)))
# Titles that programs write into a file's properties by themselves.
_SAYS_NOTHING = re.compile(
    r"(?:untitled|sem título|\(?anonymous\)?|microsoft word - |word document|documento do word"
    r"|powerpoint presentation|apresentação do powerpoint)"
    r".{0,40}|document\d?|(?:sheet|planilha|plan|folha|hoja|feuil|tabelle)\s?\d{1,2}"
    r"|.{0,200}\.(?:docx?|pptx?|xlsx?|indd|qxd|tex|dvi|pdf|odt|rtf)|",
    re.IGNORECASE,
)
CELL_BREAK = " | "
_APART = "\n\n"
_CODES = {kind: code for code, kind in enumerate(BLOCK_KINDS)}
_COMPACT = frozenset({BlockKind.LIST_ITEM, BlockKind.TABLE_ROW})


def clean(text: str) -> str:
    """NFC text of characters that can be stored and searched; lines end with a line feed."""
    if text.isascii() and text.isprintable():  # nothing in it to mend: twice as quick for most cells
        return text
    # Latin-1 is NFC, and bytes are looked through at 1 GB/s.
    if len(text.encode("latin-1", "ignore").translate(None, _ODD_LATIN)) == len(text):
        return text
    return unicodedata.normalize("NFC", _ODD.sub(_replacement, text))


def _replacement(match: re.Match[str]) -> str:
    found = match[0]
    return _REPLACEMENTS.get(found, "�" if "\ud800" <= found <= "\udfff" else "")


def one_line(text: str) -> str:
    """The text with every run of white space as one space."""
    if "  " not in text and text.isprintable():  # then a single space is all the white space there is
        return text.strip()
    return " ".join(text.split())


def lines(text: str) -> str:
    """The text with its line breaks kept and every other run of white space as one space."""
    return "\n".join(filter(None, map(one_line, text.split("\n")))) if "\n" in text else one_line(text)


def row(cells: list[str]) -> str:
    """A table row as text; "" where every cell is empty."""
    return row_of([one_line(cell) for cell in cells])


def row_of(cells: Sequence[str]) -> str:
    """The same of cells that are one line each. Empty cells at the row's end leave no trace."""
    filled = len(cells)
    while filled and not cells[filled - 1]:
        filled -= 1
    return CELL_BREAK.join(cells[:filled]).strip()


Emit: TypeAlias = Callable[[ExtractedText], None]


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Where the parts of a text go as they are full, each with spans of its own; joined they are the text.

    `media_type` is what each calls itself.
    """

    emit: Emit
    media_type: str
    most_characters: int


class TextBuilder:
    """Blocks are parted by a blank line; items of a list and rows of a table by a line break.

    With `parts` a text without pages, titles or continued blocks is handed on as it grows.
    """

    def __init__(self, parts: Parts | None = None) -> None:
        self._out = parts
        self._most_characters = parts.most_characters if parts else MAX_TEXT_CHARACTERS
        self._emitted = 0
        self._last_kind: BlockKind | None = None
        self._begin()
        self._page_starts: list[int] = []
        self._pages_opened = 0
        self._apart = True

    def __len__(self) -> int:
        return self._emitted + self._length

    def add(
        self, kind: BlockKind, text: str, *, level: int = 0, header: bool = False, depth: int = 0
    ) -> None:
        """Adds a block unless the text is blank. `depth` indents the items of nested lists."""
        body = clean(text).strip("\n ").rstrip() if kind is BlockKind.CODE else clean(text).strip()
        if body:
            self._put(kind, body, level=level, header=header, depth=depth)

    def add_row(self, text: str, *, header: bool = False) -> None:
        """Adds a table row, whose text is one line, unless it is blank."""
        body = clean(text).strip()
        if body:
            self._put(BlockKind.TABLE_ROW, body, level=0, header=header, depth=0)

    def add_rows(self, texts: Sequence[str]) -> None:
        """Adds table rows, each of which is a line of clean text with no blank before or behind it."""
        together = "\n".join(texts)
        if not together or self._is_nearly_full(len(together)):
            for text in texts:
                self.add_row(text)
            return
        if self._last_kind is not None:
            self._append(self._separator(BlockKind.TABLE_ROW, 0))
        self._open_pages()
        starts = [*accumulate(map(len, texts), lambda edge, size: edge + size + 1, initial=self._length)]
        self._append(together)
        self._starts.extend(starts[:-1])
        self._ends.extend([each - 1 for each in starts[1:]])
        self._kinds += bytes((_CODES[BlockKind.TABLE_ROW],)) * len(texts)
        self._levels += bytes(len(texts))
        self._headers += bytes(len(texts))
        self._last_kind, self._apart = BlockKind.TABLE_ROW, False

    def _is_nearly_full(self, more: int) -> bool:
        """Whether a part, or all the text there may be, ends within so many characters."""
        length = self._length + len(_APART) + more
        return (
            bool(self._out) and length >= PART_CHARACTERS
        ) or self._emitted + length > self._most_characters

    def extend(self, text: str) -> None:
        """Continues the last block, for a paragraph that runs over the end of a page."""
        body = clean(text).strip()
        if not body:
            return
        self._append(" ")
        self._open_pages()
        self._append(body)
        self._ends[-1] = self._length

    def last(self) -> tuple[BlockKind, str] | None:
        """The kind of the last block and the last piece of its text."""
        return (BLOCK_KINDS[self._kinds[-1]], self._parts[-1]) if self._kinds else None

    def set_apart(self) -> None:
        """The next block begins a new list or table."""
        self._apart = True

    def open_page(self) -> None:
        """What follows stands on the next page."""
        self._pages_opened += 1

    def finish(self, media_type: str, title: str | None = None) -> ExtractedText:
        """A title that says nothing gives way to the first heading of level 1. Raises EmptyDocument."""
        if not self._kinds:
            raise EmptyDocument("The document holds no text. Check that the right file was sent.")
        self._open_pages()
        text = "".join(self._parts)
        heading = one_line(clean(title or ""))
        if _SAYS_NOTHING.fullmatch(heading):
            heading = self._first_heading(text)
        return ExtractedText(
            text=text,
            blocks=self._blocks(),
            media_type=media_type,
            title=heading or None,
            page_starts=tuple(self._page_starts),
        )

    def _put(self, kind: BlockKind, body: str, *, level: int, header: bool, depth: int) -> None:
        if self._out and self._length >= PART_CHARACTERS:
            self._hand_on(self._out)
        if self._last_kind is not None:
            self._append(self._separator(kind, depth))
        if self._pages_opened:
            self._open_pages()
        self._starts.append(self._length)
        self._append(body)
        self._ends.append(self._length)
        self._kinds.append(_CODES[kind])
        self._levels.append(level)
        self._headers.append(header)
        self._last_kind = kind
        self._apart = False

    def _begin(self) -> None:
        """The text in hand, and its blocks in columns."""
        self._parts: list[str] = []
        self._length = 0
        self._kinds, self._levels, self._headers = bytearray(), bytearray(), bytearray()
        self._starts, self._ends = array("I"), array("I")

    def _blocks(self) -> Blocks:
        return Blocks(
            kinds=bytes(self._kinds),
            starts=self._starts,
            ends=self._ends,
            levels=bytes(self._levels),
            headers=bytes(self._headers),
        )

    def _hand_on(self, parts: Parts) -> None:
        full = ExtractedText(text="".join(self._parts), blocks=self._blocks(), media_type=parts.media_type)
        self._emitted += self._length
        self._begin()
        parts.emit(full)

    def _first_heading(self, text: str) -> str:
        """The text of the first heading of level 1 that says something and is not a numbered section."""
        code = _CODES[BlockKind.HEADING]
        columns = zip(self._kinds, self._levels, self._starts, self._ends, strict=True)
        headings = (text[start:end] for kind, level, start, end in columns if kind == code and level == 1)
        return next(
            (each for each in headings if not each[:1].isdigit() and not _SAYS_NOTHING.fullmatch(each)), ""
        )

    def _separator(self, kind: BlockKind, depth: int) -> str:
        close = not self._apart and kind is self._last_kind and kind in _COMPACT
        between = "\n" if close else _APART
        return between + "  " * min(depth, 8) if depth else between

    def _open_pages(self) -> None:
        self._page_starts.extend([self._length if self._page_starts else 0] * self._pages_opened)
        self._pages_opened = 0

    def _append(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)
        if self._length > self._most_characters - self._emitted:
            raise self._too_large()

    def _too_large(self) -> DocumentTooLarge:
        setting = " (ACERVO_MAX_STREAMED_CHARACTERS)" if self._out else ""
        return DocumentTooLarge(
            f"The document holds more than {self._most_characters:,} characters of text{setting}. "
            "Split it into smaller documents."
        )
