"""XML: its text in document order; data elements with their names, alike siblings as tables."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, groupby
from operator import attrgetter, methodcaller

from lxml import etree

from ingestion.parse.builder import TextBuilder, clean, one_line
from ingestion.parse.garbage import uncollected
from ingestion.parse.html import add_html
from ingestion.parse.media_type import XML
from ingestion.parse.tables import add_table
from rag.domain.content import BlockKind, ExtractedText
from rag.errors import CorruptDocument, DocumentTooLarge

_MARKUP = re.compile(
    r"</?(?:p|div|a|br|ul|ol|li|img|span|strong|em|b|i|h[1-6]|table|blockquote)\b[^<]*>", re.IGNORECASE
)
_LIMITS = re.compile(r"huge|too long|excessive|maximum|amplification", re.IGNORECASE)
_TITLES = frozenset({"title", "titulo", "título", "heading", "head"})
_LONGEST_TITLE = 200
_LONGEST_CELL = 300
_MOST_COLUMNS = 50
_MANY_RECORDS = 50
_ROWS_AT_ONCE = 5_000


@uncollected()
def parse_xml(body: bytes) -> ExtractedText:
    """Entities are not replaced, nothing is fetched. Raises CorruptDocument with the position."""
    root = _root(body)
    builder = TextBuilder()
    _Reader(builder).read(root, level=1)
    return builder.finish(XML)


def _root(body: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        if _LIMITS.search(str(error)):
            raise DocumentTooLarge(
                "The XML is nested too deeply, holds too long a text or entities that multiply. Simplify it."
            ) from error
        raise CorruptDocument(f"The XML is broken: {error}. Mend it and send it again.") from error


class _Reader:
    def __init__(self, builder: TextBuilder) -> None:
        self._builder = builder

    def read(self, element: etree._Element, *, level: int) -> None:
        """Adds the texts of an element and of all below it. The parser allows 256 levels."""
        children = _elements(element)
        if not children or _is_mixed(element):
            self._add_leaf(element)
            return
        self._add_attributes(element)
        rest = children[1:] if self._add_title(children[0], level) else children
        inner = min(level + 1, 6) if len(rest) < len(children) else level
        for group in _alike(rest):
            table = _uniform_table(group) or _table(group)
            if table:
                self._add_table(group[0], table)
            else:
                for child in group:
                    self.read(child, level=inner)
        self._builder.set_apart()

    def _add_title(self, element: etree._Element, level: int) -> bool:
        """An element that begins with its title is a section under a heading."""
        if _name(element).lower() not in _TITLES or (len(element) and not _is_mixed(element)):
            return False
        text = one_line(clean(_text(element)))
        is_title = 0 < len(text) <= _LONGEST_TITLE and not _MARKUP.search(text)
        if is_title:
            self._builder.add(BlockKind.HEADING, text, level=level)
            self._add_attributes(element)
        return is_title

    def _add_table(self, first: etree._Element, table: list[list[str]]) -> None:
        self._builder.add(BlockKind.PARAGRAPH, f"{_name(first)}:")
        add_table(self._builder, table, header_rows=1)

    def _add_attributes(self, element: etree._Element) -> None:
        for name, value in _attributes(element):
            self._builder.add(BlockKind.LIST_ITEM, f"{_name(element)} › {name}: {value}")

    def _add_leaf(self, element: etree._Element) -> None:
        self._add_attributes(element)
        text = clean(_text(element)).strip()
        if not text:
            return
        name = _name(element)
        if _MARKUP.search(text):
            add_html(self._builder, text)
        elif _is_mixed(element):
            self._builder.add(BlockKind.PARAGRAPH, one_line(text))
        else:
            self._builder.add(BlockKind.LIST_ITEM, f"{name}: {one_line(text)}")


def _is_annotated(element: etree._Element, text: str) -> bool:
    """Whether an element of this text has attributes that hold data, or its text has markup in it."""
    return (bool(element.keys()) and any(_attributes(element))) or (
        "<" in text and bool(_MARKUP.search(text))
    )


def _elements(element: etree._Element) -> list[etree._Element]:
    return list(element.iterchildren("*"))


def _name(element: etree._Element) -> str:
    return _local_name(str(element.tag))


@lru_cache(maxsize=1000)
def _local_name(tag: str) -> str:
    return tag.rpartition("}")[2]


def _attributes(element: etree._Element) -> Iterator[tuple[str, str]]:
    """The attributes that hold data; those with a prefix of their own say how to read it."""
    for name, value in element.items():
        text = one_line(clean(value))
        if text and not name.startswith("{"):
            yield name, text


def _is_mixed(element: etree._Element) -> bool:
    """Whether text stands between the elements: a paragraph with marked words."""
    tails = [child.tail or "" for child in element]
    return bool(tails) and bool((element.text or "").strip() or "".join(tails).strip())


def _text(element: etree._Element) -> str:
    return "".join(_pieces(element)) if len(element) else element.text or ""


def _pieces(element: etree._Element) -> Iterator[str]:
    """The texts in document order, with a space between elements that nothing parts."""
    yield element.text or ""
    for child in element:
        if isinstance(child.tag, str):
            previous = child.getprevious()
            yield " " if previous is not None and not previous.tail else ""
            yield from _pieces(child)
        elif child.tag is etree.Entity:
            yield str(child.text)
        yield child.tail or ""


def _alike(children: Iterable[etree._Element]) -> Iterator[list[etree._Element]]:
    """Runs of siblings of one name."""
    return (list(group) for _, group in groupby(children, attrgetter("tag")))


def _table(group: Sequence[etree._Element]) -> list[list[str]] | None:
    """Siblings whose children are single texts as rows under the children's names; else None."""
    if len(group) < 2:  # noqa: PLR2004 - one row is no table
        return None
    found: list[dict[str, str]] = []
    columns: dict[str, int] = {}
    for element in group:
        row = _row(element)
        if not row or not _fits(row, columns):
            return None
        found.append(row)
    if sum(map(len, found)) * 2 < len(columns) * len(found):
        return None
    return [list(columns), *[[row.get(name, "") for name in columns] for row in found]]


def _fits(row: Iterable[str], columns: dict[str, int]) -> bool:
    """Whether a row's names are in the order of those before it, to which they are added."""
    for name in row:
        columns.setdefault(name, len(columns))
    places = [columns[name] for name in row]
    return places == sorted(places) and len(columns) <= _MOST_COLUMNS


def _uniform_table(group: Sequence[etree._Element]) -> list[list[str]] | None:
    """As `_table`, of many elements that hold the same elements with short clean texts, and no more."""
    if len(group) < _MANY_RECORDS or group[0].getroottree().docinfo.doctype:  # which may declare entities
        return None
    tags = [element.tag for element in (group[0], *group[0])]
    table = [list(map(_local_name, tags[1:]))]
    for first in range(0, len(group), _ROWS_AT_ONCE):
        rows = _uniform_rows(group[first : first + _ROWS_AT_ONCE], tags)
        if rows is None:
            return None
        table.extend(rows)
    return table if tags[1:] and _are_short_and_clean(table) else None


def _uniform_rows(group: Sequence[etree._Element], tags: list[str]) -> list[list[str]] | None:
    """The texts of the elements in each, where it and these are called `tags` and hold no other."""
    width = len(tags)
    if sum(map(len, group)) != len(group) * (width - 1):
        return None
    elements = [*chain.from_iterable(element.iter() for element in group)]
    if [element.tag for element in elements] != tags * len(group):
        return None
    texts = [element.text or "" for element in elements]
    around = chain(texts[::width], [element.tail or "" for element in elements])
    if "".join(around).strip() or any(map(methodcaller("keys"), elements)):
        return None
    return [texts[place + 1 : place + width] for place in range(0, len(texts), width)]


def _are_short_and_clean(table: Sequence[Sequence[str]]) -> bool:
    """Whether no cell is to be mended: all the white space in it is single blanks between words."""
    together = " ".join(chain.from_iterable(table))
    return (
        "  " not in f" {together} "
        and "<" not in together
        and together.isprintable()
        and clean(together) == together
        and max(map(len, chain.from_iterable(table))) <= _LONGEST_CELL
        and len({*table[0]}) == len(table[0]) <= _MOST_COLUMNS
    )


def _row(element: etree._Element) -> dict[str, str] | None:
    """The texts of an element's attributes and children by name; None where it holds anything more."""
    children = list(element)  # lxml keeps the objects of elements as long as somebody holds them
    if _is_mixed(element) or (not children and (element.text or "").strip()):
        return None
    row = dict(_attributes(element))
    for child in children:
        if not isinstance(child.tag, str):
            continue
        text = one_line(clean(_text(child)))
        name = _name(child)
        if len(child) or name in row or len(text) > _LONGEST_CELL or _is_annotated(child, text):
            return None
        row[name] = text
    return row
