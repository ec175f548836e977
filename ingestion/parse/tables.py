"""Tables: which rows name the columns, and each further row as a block of its own."""

import re
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain, groupby, islice, pairwise

from ingestion.parse.builder import CELL_BREAK, TextBuilder, clean, row_of
from rag.domain.content import BlockKind

# Rows that are looked at before the first is written: they tell header, title and empty columns.
_SAMPLE = 200
_DEEPEST_HEADER = 3
_LONGEST_NAME = 100
_VALUES_IN_A_COLUMN = 0.8
_CURRENCY = r"(?:R\$|US\$|[$€£¥])"
_NUMBER = re.compile(
    rf"[(+\-−–]{{0,2}}\s?{_CURRENCY}?\s?[-−]?\d+(?:[.,'\s]\d+)*(?:[eE][+-]?\d{{1,3}})?\s?(?:{_CURRENCY}|%|‰)?\)?|[-–—.]"
)
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:[T ].*)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}(?:[T ].*)?")
_TIME = re.compile(r"\d{1,3}:\d{2}(?::\d{2})?(?:[.,]\d+)?")
_YEAR = re.compile(r"(?:19|20)\d{2}")
_LINK = re.compile(r"\S[^\s@]*+@\S[^\s.]*+\.\S+|https?://\S+|www\.\S+")
_LOGICAL = frozenset({"true", "false", "verdadeiro", "falso"})

Row = Sequence[str]


def add_tables(builder: TextBuilder, rows: Iterable[Row], *, merged: bool = False) -> None:
    """Adds rows of clean cells as tables. A row without text ends a table that names its columns.

    `merged`: a text may stand in several cells because they were one cell.
    """
    builder.set_apart()
    for has_text, table in groupby(rows, key=_has_text):
        if has_text:
            _add_table(builder, table, merged=merged)
    builder.set_apart()


def add_table(builder: TextBuilder, rows: Sequence[Row], *, header_rows: int) -> None:
    """Adds rows of clean cells, of which the first `header_rows` together name the columns."""
    builder.set_apart()
    if header_rows:
        _add_row(builder, joined_header(rows[:header_rows]), header=True)
    body = iter(rows[header_rows:])
    while batch := list(islice(body, _SAMPLE)):
        _add_batch(builder, batch)
    builder.set_apart()


def joined_header(rows: Sequence[Row]) -> list[str]:
    """Several header rows as one: a column's name is all that stands above it, top down, each once."""
    width = max(map(len, rows), default=0)
    padded = [_narrowed(row) + [""] * (width - len(row)) for row in rows]
    return [" / ".join(_parts(column)) for column in zip(*padded, strict=True)]


def _parts(column: Sequence[str]) -> list[str]:
    found = [cell for cell in column if cell]
    return [cell for index, cell in enumerate(found) if index == 0 or cell != found[index - 1]]


def _has_text(row: Row) -> bool:
    return (bool(row) and row[0][:1] > " ") or any(map(str.strip, row))


def _narrowed(row: Row) -> list[str]:
    return [" ".join(cell.split()) for cell in row]


def _add_table(builder: TextBuilder, rows: Iterator[Row], *, merged: bool) -> None:
    sample = list(map(_narrowed, islice(rows, _SAMPLE)))
    titles = _title_rows(sample)
    header_rows = header_size(sample[titles:], merged=merged)
    if titles or header_rows:
        builder.set_apart()
    for row in sample[:titles]:
        builder.add(BlockKind.PARAGRAPH, next(filter(None, row)))
    body = sample[titles + header_rows :]
    if header_rows:
        header = joined_header(_spread(sample[titles : titles + header_rows]))
        body = [header, *body]
    used = frozenset(index for row in body for index, cell in enumerate(row) if cell)
    for index, row in enumerate(body):
        _add_row(builder, _kept(row, used), header=index == 0 and header_rows > 0)
    while batch := list(islice(rows, _SAMPLE)):
        _add_batch(builder, batch, used)


def _kept(row: Row, used: AbstractSet[int]) -> list[str]:
    return [cell for column, cell in enumerate(row) if cell or column in used]


def _add_batch(builder: TextBuilder, rows: Sequence[Row], used: AbstractSet[int] | None = None) -> None:
    """Adds rows without their empty cells outside of the columns in use, where these are known.

    All at once where none of their cells is empty or has white space that is not one space.
    """
    texts = list(map(CELL_BREAK.join, rows))
    together = " ".join(["", *texts, ""])  # a blank at the edge of a row makes two
    if "  " not in together and "\n" not in together and "\t" not in together and clean(together) == together:
        builder.add_rows(texts)
        return
    for row in rows:
        cells = _narrowed(row)
        _add_row(builder, cells if used is None else _kept(cells, used))


def _add_row(builder: TextBuilder, cells: Row, *, header: bool = False) -> None:
    if any(cells):
        builder.add_row(row_of(cells), header=header)


def _title_rows(rows: Sequence[Row]) -> int:
    """How many rows with a single text stand above a table as its title; a lone text is nothing else."""
    if len(rows) == 1:
        return int(_filled(rows[0]) == 1)
    return next((count for count, row in enumerate(rows) if _filled(row) > 1), 0)


def _filled(row: Row) -> int:
    return sum(map(bool, row))


def _width(rows: Sequence[Row]) -> int:
    return max(map(_filled, rows), default=0)


def header_size(rows: Sequence[Row], *, merged: bool = True) -> int:
    """How many of a table's first rows name its columns, told by what stands in them and below."""
    size = 1
    while size < _DEEPEST_HEADER and _goes_on(rows[size - 1 : size + 2], merged=merged):
        size += 1
    for count in range(size, 0, -1):
        if _names_columns(joined_header(_spread(rows[:count])), rows[count:]):
            return count
    return 0


def _goes_on(rows: Sequence[Row], *, merged: bool) -> bool:
    """Whether the second of three rows belongs to the header too: it names parts of a column of the first."""
    if len(rows) < _DEEPEST_HEADER:
        return False
    above, row, below = rows
    if any(_is_value(cell) for cell in chain(above, row) if cell and not _YEAR.fullmatch(cell)):
        return False
    if not merged and len(above) < len(row):  # cells that are not there, not empty ones under a group's name
        return False
    if not merged and any(upper and upper == lower for upper, lower in zip(above, row, strict=False)):
        return False
    groups = any(
        right and right != left and (not above_right or (merged and above_right == above_left))
        for (above_left, left), (above_right, right) in pairwise(zip(above, row, strict=False))
        if above_left and left
    )
    return (groups or _filled(above) * 2 < _filled(row)) and any(map(_is_value, below))


def _spread(rows: Sequence[Row]) -> list[list[str]]:
    """Header rows with each group's name over all its columns, as if its cells were merged."""
    spread = [list(row) for row in rows]
    for above, below in pairwise(spread):
        above.extend([""] * (len(below) - len(above)))
        for column in range(1, len(below)):
            if not above[column] and below[column] and below[column - 1]:
                above[column] = above[column - 1]
    return spread


def _names_columns(names: Row, body: Sequence[Row]) -> bool:
    if not body or _filled(names) * 2 < _width(body) or not all(map(_could_name, filter(None, names))):
        return False
    columns = [[row[index] for row in body if index < len(row) and row[index]] for index in range(len(names))]
    named = [(name, column) for name, column in zip(names, columns, strict=True) if name]
    if _are_values([name for name, _ in named], columns):
        return False
    if any(_mostly_values(column) for name, column in named if not _is_value(name)):
        return True
    return _differs_from(named)


def _could_name(cell: str) -> bool:
    return len(cell) <= _LONGEST_NAME and not cell.endswith(":") and not _LINK.fullmatch(cell)


def _are_values(names: Sequence[str], columns: Sequence[Sequence[str]]) -> bool:
    """Whether a row is data: it holds values that are not years or days along the top of a table."""
    values = [name for name in names if _is_value(name)]
    if not values:
        return False
    is_axis = all(_YEAR.fullmatch(name) or _DATE.fullmatch(name) for name in values)
    below = {cell for column in columns for cell in column}
    return not is_axis or len(values) < 2 or len(set(values)) < len(values) or not below.isdisjoint(values)  # noqa: PLR2004 - one year is a value


def _mostly_values(column: Sequence[str]) -> bool:
    return bool(column) and sum(map(_is_value, column)) >= _VALUES_IN_A_COLUMN * len(column)


def _differs_from(named: Sequence[tuple[str, Sequence[str]]]) -> bool:
    """A table of texts alone: names are distinct, and no column's name is also one of its values."""
    names = [name.casefold() for name, _ in named]
    distinct = len(names) > 1 and len(set(names)) == len(names)
    return distinct and all(
        name not in map(str.casefold, column) for name, (_, column) in zip(names, named, strict=True)
    )


def _is_value(cell: str) -> bool:
    """A number, an amount, a date, a time or a truth value."""
    return bool(
        _NUMBER.fullmatch(cell)
        or _DATE.fullmatch(cell)
        or _TIME.fullmatch(cell)
        or cell.casefold() in _LOGICAL
    )
