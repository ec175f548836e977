"""The rows of one sheet of an XLSX workbook, merged cells filled in."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from lxml import etree

from ingestion.parse.builder import clean
from ingestion.parse.xlsx_numbers import Formats
from ingestion.parse.xlsx_rows import Usual, decoded, rows_of
from rag.errors import CorruptDocument, DocumentTooLarge

_MOST_COLUMNS = 16_384
_MOST_EMPTY_CELLS = 5_000_000
_MOST_MERGED_COLUMNS = 200
_MOST_MERGES = 100_000
_MERGED = b"mergeCell"
_MERGE = re.compile(
    rb"<(?:\w+:)?mergeCell\s[^<>]*?\bref=[\"']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})[\"']"
)
_FIRST_COLUMN = re.compile(rb"<(?:\w+:)?dimension\s[^<>]*?\bref=[\"']([A-Z]{1,3})\d")
_REFERENCE = re.compile(r"([A-Z]{1,3})\d+")
_ATTRIBUTE = re.compile(r'(?<![\w:])([\w:]++)="([^"]*)"')
_INLINE = "inlineStr"
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_LOGICAL = {"0": "FALSE", "1": "TRUE"}


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """`data` is its XML."""

    name: str
    data: bytes

    @property
    def has_merged_cells(self) -> bool:
        return _MERGED in self.data and _MERGE.search(self.data) is not None


@dataclass(frozen=True, kw_only=True)
class _Merge:
    """Columns count from 0, rows from 1; all four are inside."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(kw_only=True)
class _Filling:
    """The merged ranges that reach into the row in hand, with their texts."""

    by_top: dict[int, list[_Merge]]
    first_column: int
    open: list[tuple[_Merge, str]] = field(default_factory=list)

    def fill(self, number: int, cells: dict[int, str]) -> None:
        """Repeats a merged cell's text in all its columns and rows; a title over all columns stays single."""
        self.open = [(merge, text) for merge, text in self.open if merge.bottom >= number]
        own = [column for column, text in cells.items() if text]
        for merge in self.by_top.get(number, ()):
            text = cells.get(merge.left, "")
            is_title = own == [merge.left] and merge.left <= self.first_column
            if text and not is_title:
                self.open.append((merge, text))
        if not own:
            return
        for merge, text in self.open:
            for column in range(merge.left, min(merge.right, merge.left + _MOST_MERGED_COLUMNS) + 1):
                cells[column] = cells.get(column) or text


# The text of a cell, from its value and its own text.
Show: TypeAlias = Callable[[str, str], str]


class _Columns(dict[str, int]):
    """By their letters."""

    def __missing__(self, letters: str) -> int:
        self[letters] = column_number(f"{letters}1")
        return self[letters]


class _Showing(dict[str, Show]):
    """By the attributes of cells."""

    def __init__(self, reader: "SheetReader", *, is_plain: bool) -> None:
        super().__init__()
        self._reader, self._is_plain = reader, is_plain

    def __missing__(self, attributes: str) -> Show:
        self[attributes] = self._reader.showing(attributes, is_plain=self._is_plain)
        return self[attributes]


class SheetReader:
    def __init__(self, *, shared_texts: Sequence[str], formats: Formats) -> None:
        self._shared_texts = shared_texts
        self._formats = formats
        self._empty_cells_left = _MOST_EMPTY_CELLS
        self._columns = _Columns()

    def rows(self, sheet: Sheet) -> Iterator[list[str]]:
        """The texts of each row from the first column on; an empty list stands for rows left out."""
        filling = _Filling(by_top=_merges(sheet.data), first_column=_first_column(sheet.data))
        previous = 0
        for said, cells in self._numbered(sheet.data):
            number = previous + 1 if said is None else said
            if filling.by_top:
                filling.fill(number, cells)
            if not any(cells.values()):
                continue
            if previous and number != previous + 1:
                yield []
            previous = number
            yield self._dense(cells)

    def _numbered(self, data: bytes) -> Iterator[tuple[int | None, dict[int, str]]]:
        """The number that each row says it has, and the texts of its cells by column."""
        for some in rows_of(data):
            if isinstance(some, Usual):
                yield from self._usual(some)
            else:
                for row in some:
                    said = row.get("r")
                    yield int(said) if said else None, self._cells(row)

    def _usual(self, rows: Usual) -> Iterator[tuple[int, dict[int, str]]]:
        number: int | None = None
        cells: dict[int, str] = {}
        columns, showing = self._columns, _Showing(self, is_plain=rows.is_plain)
        for letters, attributes, value, text, row in rows.found:
            if letters:
                cells[columns[letters]] = showing[attributes](value, text)
                continue
            if number is not None:
                yield number, cells
            number, cells = int(row), {}
        if number is not None:
            yield number, cells

    def showing(self, attributes: str, *, is_plain: bool) -> Show:
        """What shows the value or text of cells with the attributes `t` and `s` as they are written."""
        found = dict(_ATTRIBUTE.findall(attributes))
        kind, style = found.get("t", "n"), int(found.get("s") or 0)
        if kind == _INLINE:
            return (lambda _, text: text) if is_plain else (lambda _, text: _unescaped(decoded(text)))
        if kind == "n" and is_plain:
            return lambda value, _: self._formats.shown(value, style=style) if value else ""
        return lambda value, _: self._shown(value if is_plain else decoded(value), kind, style)

    def _dense(self, cells: dict[int, str]) -> list[str]:
        if [*cells] == [*range(len(cells))]:
            return [*cells.values()]
        width = max(cells) + 1
        self._empty_cells_left -= width - len(cells)
        if self._empty_cells_left < 0:
            raise DocumentTooLarge(
                f"The workbook has more than {_MOST_EMPTY_CELLS:,} empty cells beside others. Leave them out."
            )
        return [cells.get(column, "") for column in range(width)]

    def _cells(self, row: etree._Element) -> dict[int, str]:
        found: dict[int, str] = {}
        column = -1
        for cell in row.iterchildren("{*}c"):
            reference = cell.get("r")
            column = column_number(reference) if reference else column + 1
            found[column] = self._text(cell)
        return found

    def _text(self, cell: etree._Element) -> str:
        kind = cell.get("t", "n")
        if kind == _INLINE:
            return rich_text(cell)
        return self._shown(cell.findtext("{*}v") or "", kind, int(cell.get("s") or 0))

    def _shown(self, value: str, kind: str, style: int) -> str:
        if not value:
            return ""
        if kind == "n":
            return self._formats.shown(value, style=style)
        if kind == "s":
            number = int(value)
            return self._shared_texts[number] if number < len(self._shared_texts) else ""
        return _LOGICAL.get(value, value) if kind == "b" else _unescaped(value)


def rich_text(item: etree._Element) -> str:
    """The text of a string of runs, without the signs that tell how to pronounce it."""
    texts = [text.text or "" for text in item.iter("{*}t") if not str(text.getparent().tag).endswith("}rPh")]
    return _unescaped("".join(texts))


def _unescaped(text: str) -> str:
    return clean(_ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text)


def column_number(reference: str) -> int:
    """A is 0."""
    match = _REFERENCE.fullmatch(reference)
    number = _number(match[1]) if match else _MOST_COLUMNS
    if number >= _MOST_COLUMNS:
        raise CorruptDocument(f"The sheet has a cell outside of any sheet ({reference[:20]}).")
    return number


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _merges(data: bytes) -> dict[int, list[_Merge]]:
    """The merged ranges by their top row. They stand behind the rows, so they are looked up beforehand."""
    found: defaultdict[int, list[_Merge]] = defaultdict(list)
    for count, match in enumerate(_MERGE.finditer(data) if _MERGED in data else ()):
        if count == _MOST_MERGES:
            raise DocumentTooLarge(f"The sheet has more than {_MOST_MERGES:,} merged cells.")
        left, top, right, bottom = (group.decode() for group in match.groups())
        merge = _Merge(left=_number(left), top=int(top), right=_number(right), bottom=int(bottom))
        found[merge.top].append(merge)
    return found


def _first_column(data: bytes) -> int:
    match = _FIRST_COLUMN.search(data[:10_000])
    return _number(match[1].decode()) if match else 0
