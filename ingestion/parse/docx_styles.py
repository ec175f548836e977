"""What DOCX paragraph styles and numbering say: heading levels, list markers and their numbers."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from ingestion.parse.numerals import letter, roman
from ingestion.parse.package import OfficePackage
from ingestion.parse.style_names import named_heading_level, names_contents, names_title

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
TITLE_LEVEL = 1

_VALUE = f"{W}val"
_PROPERTIES, _STYLE, _OUTLINE, _NUMBERING = f"{W}pPr", f"{W}pStyle", f"{W}outlineLvl", f"{W}numPr"
_NAME, _PARENT = f"{W}name", f"{W}basedOn"
_STYLE_BEGIN, _STYLE_END, _OF_TABLES = b"<w:style ", b"</w:style>", b'w:type="table"'
_LONGEST_CHAIN = 20
_DEEPEST_OUTLINE = 8  # 9 means body text
_PLACE = re.compile(r"%(\d)")


@dataclass(frozen=True, kw_only=True)
class Style:
    name: str
    parent: str | None
    outline: int | None
    numbering: etree._Element | None


@dataclass(frozen=True, kw_only=True)
class ParagraphStyle:
    """What a paragraph is. `level`: 1–6 for a heading, 0 for others.

    `numbering`: the id of the list that it is an item of, and its depth from 0. `is_contents`: it is a line
    of a table of contents, which repeats the headings.
    """

    level: int
    numbering: tuple[str, int] | None
    is_title: bool
    is_contents: bool


@dataclass(frozen=True, kw_only=True)
class NumberedLevel:
    format: str
    pattern: str
    start: int


def value(element: etree._Element | None, path: str) -> str | None:
    """The w:val of the element at the path, e.g. "pPr/pStyle"."""
    if element is None:
        return None
    found = element.find("/".join(W + step for step in path.split("/")))
    return None if found is None else found.get(_VALUE)


def _number(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"\d{1,6}", text) else None


class Styles:
    def __init__(self, package: OfficePackage) -> None:
        self._package = package
        target = package.target(package.main_name, "styles")
        self._data = package.read(target) if target else None
        self._elements = {} if self._data is None else self._read(_without_table_styles(self._data))
        self._resolved: dict[str | None, ParagraphStyle] = {}

    def _read(self, data: bytes) -> dict[str, etree._Element]:
        elements = self._package.parsed(data).iter(f"{W}style")
        return {element.get(f"{W}styleId", ""): element for element in elements}

    def of(self, paragraph: etree._Element) -> ParagraphStyle:
        properties = next(paragraph.iterchildren(_PROPERTIES), None)
        if properties is None:
            return self._named(None)
        named = self._named(_first_value(properties, _STYLE))
        outline = _number(_first_value(properties, _OUTLINE))
        own = next(properties.iterchildren(_NUMBERING), None)
        return ParagraphStyle(
            level=named.level if outline is None else _level_of(outline),
            numbering=named.numbering if own is None else _list_of(own),
            is_title=named.is_title,
            is_contents=named.is_contents,
        )

    def _named(self, style_id: str | None) -> ParagraphStyle:
        found = self._resolved.get(style_id)
        if found is None:
            found = self._resolved[style_id] = self._resolve(self._chain(style_id))
        return found

    def _resolve(self, chain: Sequence[tuple[str, Style]]) -> ParagraphStyle:
        own = chain[0][1].name if chain else ""
        numbering = next((style.numbering for _, style in chain if style.numbering is not None), None)
        return ParagraphStyle(
            level=_inherited_level(chain),
            numbering=_list_of(numbering),
            is_title=names_title(own),
            is_contents=names_contents(own),
        )

    def _style(self, style_id: str) -> Style:
        if style_id not in self._elements and self._data is not None:
            self._elements, self._data = self._read(self._data), None
        element = self._elements.get(style_id)
        return _unknown(style_id) if element is None else _style(element)

    def _chain(self, style_id: str | None) -> list[tuple[str, Style]]:
        """The style and those it is based on."""
        chain: list[tuple[str, Style]] = []
        while style_id is not None and len(chain) < _LONGEST_CHAIN:
            style = self._style(style_id)
            chain.append((style_id, style))
            style_id = style.parent
        return chain


def _without_table_styles(data: bytes) -> bytes:
    """Most of what templates of Word say is how tables look, and takes 5 ms to parse (2026-11)."""
    if b"<!" in data:  # where a style begins is told by its markup
        return data
    head, *styles = data.split(_STYLE_BEGIN)
    return b"".join([head, *map(_unless_of_tables, styles)])


def _unless_of_tables(style: bytes) -> bytes:
    """A style's markup behind its first word, and what stands behind the style."""
    if style.startswith(_OF_TABLES) and _STYLE_END in style:
        return style.partition(_STYLE_END)[2]
    return _STYLE_BEGIN + style


def _inherited_level(chain: Sequence[tuple[str, Style]]) -> int:
    for style_id, style in chain:
        if names_title(style.name):
            return TITLE_LEVEL
        named = named_heading_level(style.name) or named_heading_level(style_id)
        outline = named - 1 if named else style.outline
        if outline is not None:
            return _level_of(outline)
    return 0


def _level_of(outline: int) -> int:
    return 0 if outline > _DEEPEST_OUTLINE else min(outline + 1, 6)


def _list_of(numbering: etree._Element | None) -> tuple[str, int] | None:
    list_id = value(numbering, "numId")
    if list_id is None or list_id == "0":
        return None
    return list_id, min(_number(value(numbering, "ilvl")) or 0, 8)


def _first_value(element: etree._Element, tag: str) -> str | None:
    found = next(element.iterchildren(tag), None)
    return None if found is None else found.get(_VALUE)


def _unknown(style_id: str) -> Style:
    return Style(name=style_id, parent=None, outline=None, numbering=None)


def _style(element: etree._Element) -> Style:
    properties = next(element.iterchildren(_PROPERTIES), None)
    return Style(
        name=_first_value(element, _NAME) or "",
        parent=_first_value(element, _PARENT),
        outline=None if properties is None else _number(_first_value(properties, _OUTLINE)),
        numbering=None if properties is None else next(properties.iterchildren(_NUMBERING), None),
    )


class Numbering:
    """Counts list items as a word processor does, so that "Clause 5.2" is in the text."""

    def __init__(self, package: OfficePackage) -> None:
        tree = package.related(package.main_name, "numbering")
        self._levels: dict[str, list[NumberedLevel]] = {}
        self._abstract: dict[str, str] = {}
        self._counts: dict[str, Counter[int]] = {}
        for element in [] if tree is None else tree.iter(f"{W}abstractNum"):
            levels = [_level(level) for level in element.iter(f"{W}lvl")]
            self._levels[element.get(f"{W}abstractNumId", "")] = levels
        for element in [] if tree is None else tree.iter(f"{W}num"):
            self._abstract[element.get(f"{W}numId", "")] = value(element, "abstractNumId") or ""

    def marker(self, list_id: str, depth: int) -> str:
        """The next item's marker: "3.", "b)", "-" for bullets, "" where the list shows none."""
        abstract = self._abstract.get(list_id, "")
        levels = self._levels.get(abstract, [])
        counts = self._counts.setdefault(abstract, Counter())
        counts[depth] += 1
        for deeper in [each for each in counts if each > depth]:
            del counts[deeper]
        if depth >= len(levels) or levels[depth].format == "bullet":
            return "-"
        if levels[depth].format == "none":
            return ""
        return _PLACE.sub(
            lambda match: _shown(levels, counts, int(match[1]) - 1), levels[depth].pattern
        ).strip()


def _level(element: etree._Element) -> NumberedLevel:
    start = _number(value(element, "start"))
    return NumberedLevel(
        format=value(element, "numFmt") or "bullet",
        pattern=value(element, "lvlText") or "",
        start=1 if start is None else start,
    )


def _shown(levels: list[NumberedLevel], counts: Counter[int], depth: int) -> str:
    if not 0 <= depth < len(levels):
        return ""
    number = levels[depth].start + max(counts[depth], 1) - 1
    style = levels[depth].format
    shown = letter(number) if style.endswith("Letter") else roman(number) if style.endswith("Roman") else ""
    return (shown.upper() if style.startswith("upper") else shown) or str(number)
