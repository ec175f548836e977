"""What OpenDocument styles say: heading levels, what is hidden, how list items are numbered."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from ingestion.parse.numerals import letter, roman

_OASIS = "urn:oasis:names:tc:opendocument:xmlns:"
TEXT = f"{{{_OASIS}text:1.0}}"
STYLE = f"{{{_OASIS}style:1.0}}"
TABLE = f"{{{_OASIS}table:1.0}}"
PRESENTATION = f"{{{_OASIS}presentation:1.0}}"

_OUTLINE = "outline"  # the numbering of headings has no name of its own
_NUMBERED = frozenset({f"{TEXT}list-level-style-number", f"{TEXT}outline-level-style"})
_LONGEST_CHAIN = 20
_DEEPEST = 9


def number(text: str | None, default: int) -> int:
    return int(text) if text and re.fullmatch(r"\d{1,9}", text) else default


@dataclass(frozen=True, kw_only=True)
class Style:
    parent: str | None = None
    list_style: str | None = None
    outline: int = 0
    hidden: bool = False


@dataclass(frozen=True, kw_only=True)
class NumberedLevel:
    """`format` is 1, a, A, i or I; "" where nothing is shown. `shown_levels` counts upwards from its own."""

    format: str
    prefix: str
    suffix: str
    start: int
    shown_levels: int


class Styles:
    def __init__(self, *trees: etree._Element | None) -> None:
        self._styles: dict[str, Style] = {}
        self._lists: dict[str, dict[int, NumberedLevel]] = {}
        for tree in trees:
            self._styles |= {name: _style(each) for name, each in _named(tree, f"{STYLE}style")}
            self._lists |= {name: _levels(each) for name, each in _named(tree, f"{TEXT}list-style")}
            for each in [] if tree is None else tree.iter(f"{TEXT}outline-style"):
                self._lists[_OUTLINE] = _levels(each)

    def is_hidden(self, name: str | None) -> bool:
        return any(style.hidden for _, style in self._chain(name))

    def is_title(self, name: str | None) -> bool:
        return any(each == "Title" for each, _ in self._chain(name))

    def list_style(self, name: str | None) -> str | None:
        """The list style that a paragraph style brings along."""
        return next((style.list_style for _, style in self._chain(name) if style.list_style), None)

    def heading_level(self, name: str | None) -> int:
        """The outline level of a paragraph style; 0 for body text."""
        return next((style.outline for _, style in self._chain(name) if style.outline), 0)

    def level(self, list_style: str | None, depth: int) -> NumberedLevel | None:
        """None for bullets."""
        return self._lists.get(list_style or "", {}).get(depth)

    def _chain(self, name: str | None) -> Iterator[tuple[str, Style]]:
        """The style and those it is based on."""
        for _ in range(_LONGEST_CHAIN):
            if name is None:
                return
            style = self._styles.get(name, Style())
            yield name, style
            name = style.parent


class Numbering:
    """Counts list items and headings as a word processor does."""

    def __init__(self, styles: Styles) -> None:
        self._styles = styles
        self._counts: dict[str, Counter[int]] = {}

    def restart(self, list_style: str | None) -> None:
        self._counts.pop(list_style or "", None)

    def marker(self, list_style: str | None, depth: int, start: int | None = None) -> str:
        """The next item's marker: "3.", "b)", "-" for bullets, "" where the list shows none."""
        level = self._styles.level(list_style, depth)
        counts = self._counts.setdefault(list_style or "", Counter())
        for deeper in [each for each in counts if each > depth]:
            del counts[deeper]
        counts[depth] += 1
        if level is None:
            return "-"
        if start is not None:
            counts[depth] = start - level.start + 1
        if not level.format:
            return ""
        first = max(0, depth - level.shown_levels + 1)
        shown = [self._shown(list_style, counts, each) for each in range(first, depth + 1)]
        return f"{level.prefix}{'.'.join(filter(None, shown))}{level.suffix}".strip()

    def heading_number(self, depth: int) -> str:
        if self._styles.level(_OUTLINE, depth) is None:
            return ""
        return self.marker(_OUTLINE, depth)

    def _shown(self, list_style: str | None, counts: Counter[int], depth: int) -> str:
        level = self._styles.level(list_style, depth)
        if level is None or not level.format:
            return ""
        position = level.start + max(counts[depth], 1) - 1
        shown = {"a": letter, "i": roman}.get(level.format.lower(), str)(position)
        return shown.upper() if level.format.isupper() else shown


def _named(tree: etree._Element | None, tag: str) -> Iterator[tuple[str, etree._Element]]:
    for element in [] if tree is None else tree.iter(tag):
        yield element.get(f"{STYLE}name", ""), element


def _style(element: etree._Element) -> Style:
    text = element.find(f"{STYLE}text-properties")
    table = element.find(f"{STYLE}table-properties")
    page = element.find(f"{STYLE}drawing-page-properties")
    return Style(
        parent=element.get(f"{STYLE}parent-style-name"),
        list_style=element.get(f"{STYLE}list-style-name"),
        outline=number(element.get(f"{STYLE}default-outline-level"), 0),
        hidden=_says(text, f"{TEXT}display", "none")
        or _says(table, f"{TABLE}display", "false")
        or _says(page, f"{PRESENTATION}visibility", "hidden"),
    )


def _says(properties: etree._Element | None, name: str, value: str) -> bool:
    return properties is not None and properties.get(name) == value


def _levels(element: etree._Element) -> dict[int, NumberedLevel]:
    """The numbered levels, by their depth from 0."""
    numbered = [each for each in element if each.tag in _NUMBERED]
    return {number(each.get(f"{TEXT}level"), 1) - 1: _level(each) for each in numbered}


def _level(element: etree._Element) -> NumberedLevel:
    return NumberedLevel(
        format=element.get(f"{STYLE}num-format", ""),
        prefix=element.get(f"{STYLE}num-prefix", ""),
        suffix=element.get(f"{STYLE}num-suffix", ""),
        start=number(element.get(f"{TEXT}start-value"), 1),
        shown_levels=min(number(element.get(f"{TEXT}display-levels"), 1), _DEEPEST),
    )
