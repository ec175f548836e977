"""JSON values as lines of text, each under the names on the way to it, and tables where objects are alike."""

import json
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, TypeAlias

from ingestion.parse.builder import TextBuilder, clean, lines, one_line
from ingestion.parse.tables import add_table
from rag.domain.content import BlockKind
from rag.errors import CorruptDocument, DocumentTooLarge

_DEEPEST = 100
_MOST_COLUMNS = 50
_LONGEST_CELL = 300
_FEWEST_SHARED = 0.6
_STEP = " › "


class Members(tuple[tuple[str, Any], ...]):
    """An object's members in their order, names that come twice included."""

    __slots__ = ()


Leaf: TypeAlias = tuple[tuple[str, ...], str]


def load(text: str, *, where: str = "") -> Any:
    """The value, with numbers as they are written. Raises CorruptDocument and DocumentTooLarge."""
    try:
        value = json.loads(
            text, object_pairs_hook=Members, parse_int=str, parse_float=str, parse_constant=str
        )
    except json.JSONDecodeError as error:
        position = where or f"line {error.lineno}, column {error.colno}"
        raise CorruptDocument(
            f"The JSON is broken at {position}: {error.msg}. Mend it and send it again."
        ) from error
    except RecursionError as error:
        raise _too_deep() from error
    _check_depth(value)
    return value


def _check_depth(value: Any) -> None:
    level, depth = [value], 0  # texts and numbers, which are texts as well, hold nothing
    while level := [inner for outer in level for inner in _inside(outer) if type(inner) is not str]:
        depth += 1
        if depth > _DEEPEST:
            raise _too_deep()


def _inside(value: Any) -> Sequence[Any]:
    if isinstance(value, Members):
        return [member for _, member in value]
    return value if isinstance(value, list) else ()


def add_value(builder: TextBuilder, value: Any, path: tuple[str, ...] = ()) -> None:
    """Adds a value in document order."""
    if isinstance(value, Members):
        for name, member in value:
            add_value(builder, member, (*path, name))
    elif isinstance(value, list) and not _is_flat(value):
        _add_array(builder, value, path)
    else:
        _add_leaf(builder, path, _scalar(value))


def record_text(value: Any) -> str:
    """A record as one block: a line for each text in it."""
    shown = ((path, one_line(clean(text))) for path, text in leaves(value))
    return "\n".join([_line(path, text) for path, text in shown if text])


def text_member(value: Any, names: Sequence[str]) -> str | None:
    """The first text of an object's members called one of `names`."""
    pairs = value if isinstance(value, Members) else ()
    found = (member for name, member in pairs if name.lower() in names and isinstance(member, str))
    return next(found, None)


def text_of(value: Any, name: str) -> str:
    """The text or number of an object's member `name`; empty where it has none."""
    pairs = value if isinstance(value, Members) else ()
    return next((_scalar(member) for key, member in pairs if key == name and isinstance(member, str)), "")


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """Every text with the names on the way to it, in document order."""
    if isinstance(value, Members):
        for name, member in value:
            yield from leaves(member, (*path, name))
    elif isinstance(value, list) and not _is_flat(value):
        for item in value:
            yield from leaves(item, path)
    else:
        yield path, _scalar(value)


def _add_array(builder: TextBuilder, items: list[Any], path: tuple[str, ...]) -> None:
    table = _table(items)
    if table is None:
        for item in items:
            builder.set_apart()
            add_value(builder, item, path)
        builder.set_apart()
        return
    if path:
        builder.add(BlockKind.PARAGRAPH, f"{_shown(path)}:")
    add_table(builder, table, header_rows=1)


def _table(items: list[Any]) -> list[list[str]] | None:
    """Objects that are alike as rows under the names of their members; None where they are not."""
    if len(items) < 2 or not all(_is_row(item) for item in items):  # noqa: PLR2004 - one row is no table
        return None
    found = [_flat_leaves(item) or dict(leaves(item)) for item in items]
    columns = list(dict.fromkeys(chain.from_iterable(found)))
    shared = sum(map(len, found)) / (len(columns) * len(found)) if columns else 0.0
    if len(columns) > _MOST_COLUMNS or shared < _FEWEST_SHARED or not _in_order(found, columns):
        return None
    cells = [_clean_cells([row.get(column, "") for column in columns]) for row in found]
    if max(map(len, chain.from_iterable(cells))) > _LONGEST_CELL:
        return None
    return [[_shown(column) for column in columns], *cells]


def _clean_cells(cells: list[str]) -> list[str]:
    together = "\n".join(cells)
    return cells if clean(together) == together else list(map(clean, cells))


def _flat_leaves(item: Members) -> dict[tuple[str, ...], str]:
    """The leaves of an object of texts alone, which most are; none of any other."""
    found: dict[tuple[str, ...], str] = {(name,): member for name, member in item if type(member) is str}
    return found if len(found) == len(item) else {}


def _is_row(item: Any) -> bool:
    """Whether an object holds no list of objects and no name twice."""
    if not isinstance(item, Members) or not item:
        return False
    members = dict(item)
    return len(members) == len(item) and all(map(_is_cell, members.values()))


def _is_cell(member: Any) -> bool:
    if type(member) is str:
        return True
    if isinstance(member, list):
        return _is_flat(member)
    return not isinstance(member, Members) or _is_row(member)


def _in_order(rows: Sequence[dict[tuple[str, ...], str]], columns: Sequence[tuple[str, ...]]) -> bool:
    places = {column: place for place, column in enumerate(columns)}
    found = ([places[path] for path in row] for row in rows if [*row] != columns)
    return all(row == sorted(row) for row in found)


def _is_flat(items: list[Any]) -> bool:
    return not any(isinstance(item, list | Members) for item in items)


def _scalar(value: Any) -> str:
    if type(value) is str:
        return value
    if isinstance(value, list):
        return ", ".join(text for text in map(_scalar, value) if text)
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _add_leaf(builder: TextBuilder, path: tuple[str, ...], text: str) -> None:
    shown = lines(clean(text))
    if shown:
        kind = BlockKind.PARAGRAPH if "\n" in shown or not path else BlockKind.LIST_ITEM
        builder.add(kind, _line(path, shown))


def _line(path: tuple[str, ...], text: str) -> str:
    return f"{_shown(path)}: {text}" if path else text


def _shown(path: tuple[str, ...]) -> str:
    return _STEP.join(one_line(clean(name)) for name in path)


def _too_deep() -> DocumentTooLarge:
    return DocumentTooLarge(
        f"The JSON is nested more than {_DEEPEST} levels deep. Flatten it and send it again."
    )
