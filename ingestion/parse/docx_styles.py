"""What DOCX paragraph styles and numbering say: heading levels, list markers and their numbers."""

import re
from collections import Counter
from dataclasses import dataclass

from lxml import etree

from ingestion.parse.numerals import letter, roman
from ingestion.parse.package import OfficePackage
from ingestion.parse.style_names import named_heading_level, names_contents, names_title

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
TITLE_LEVEL = 1

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
class NumberedLevel:
    format: str
    pattern: str
    start: int


def value(element: etree._Element | None, path: str) -> str | None:
    """The w:val of the element at the path, e.g. "pPr/pStyle"."""
    if element is None:
        return None
    found = element.find("/".join(W + step for step in path.split("/")))
    return None if found is None else found.get(f"{W}val")


def _number(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"\d{1,6}", text) else None


class Styles:
    def __init__(self, package: OfficePackage) -> None:
        tree = package.related(package.main_name, "styles")
        elements = [] if tree is None else tree.iter(f"{W}style")
        self._styles = {element.get(f"{W}styleId", ""): _style(element) for element in elements}

    def heading_level(self, paragraph: etree._Element) -> int:
        """1–6 for a heading, 0 for others."""
        outline = _number(value(paragraph, "pPr/outlineLvl"))
        for style_id, style in [] if outline is not None else self._chain(paragraph):
            if names_title(style.name):
                return TITLE_LEVEL
            named = named_heading_level(style.name) or named_heading_level(style_id)
            outline = named - 1 if named else style.outline
            if outline is not None:
                break
        return 0 if outline is None or outline > _DEEPEST_OUTLINE else min(outline + 1, 6)

    def is_title(self, paragraph: etree._Element) -> bool:
        return any(names_title(style.name) for _, style in self._chain(paragraph)[:1])

    def is_contents(self, paragraph: etree._Element) -> bool:
        """A line of a table of contents, which repeats the headings."""
        return any(names_contents(style.name) for _, style in self._chain(paragraph)[:1])

    def numbering(self, paragraph: etree._Element) -> tuple[str, int] | None:
        """The id of the list that the paragraph is an item of, and its depth from 0."""
        own = paragraph.find(f"{W}pPr/{W}numPr")
        inherited = (style.numbering for _, style in self._chain(paragraph) if style.numbering is not None)
        numbering = own if own is not None else next(inherited, None)
        list_id = value(numbering, "numId")
        if list_id is None or list_id == "0":
            return None
        return list_id, min(_number(value(numbering, "ilvl")) or 0, 8)

    def _chain(self, paragraph: etree._Element) -> list[tuple[str, Style]]:
        """The paragraph's style and those it is based on."""
        chain: list[tuple[str, Style]] = []
        style_id = value(paragraph, "pPr/pStyle")
        while style_id is not None and len(chain) < _LONGEST_CHAIN:
            style = self._styles.get(style_id) or Style(
                name=style_id, parent=None, outline=None, numbering=None
            )
            chain.append((style_id, style))
            style_id = style.parent
        return chain


def _style(element: etree._Element) -> Style:
    return Style(
        name=value(element, "name") or "",
        parent=value(element, "basedOn"),
        outline=_number(value(element, "pPr/outlineLvl")),
        numbering=element.find(f"{W}pPr/{W}numPr"),
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
