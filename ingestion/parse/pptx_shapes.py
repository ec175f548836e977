"""The shapes of a slide: what they are, where they stand, and what layout and master say of them."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lxml import etree

from ingestion.parse.package import OfficePackage
from ingestion.parse.pptx_text import COMPATIBILITY, A
from ingestion.parse.reading_order import Box

P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
TITLES = frozenset({"title", "ctrTitle"})

_SHAPES = frozenset({f"{P}sp", f"{P}grpSp", f"{P}graphicFrame", f"{P}cxnSp"})
_BODIES = frozenset({"", "body", "obj", "subTitle", "tbl", "chart", "dgm", "clipArt", "media", "pic"})
_FRAMES = (f"{P}spPr/{A}xfrm", f"{P}grpSpPr/{A}xfrm", f"{P}xfrm")
_LENGTH = re.compile(r"-?\d{1,12}")


@dataclass(frozen=True, kw_only=True)
class Placeholder:
    type: str
    index: str


@dataclass(frozen=True, kw_only=True)
class Design:
    """A slide's layout and master."""

    layout: etree._Element | None = None
    master: etree._Element | None = None


class Designs:
    def __init__(self, package: OfficePackage) -> None:
        self._package = package
        self._by_layout: dict[str, Design] = {}

    def of(self, slide: str) -> Design:
        layout = self._package.target(slide, "slideLayout")
        if layout is None:
            return Design()
        if layout not in self._by_layout:
            self._by_layout[layout] = Design(
                layout=self._package.tree(layout), master=self._package.related(layout, "slideMaster")
            )
        return self._by_layout[layout]


def shapes(tree: etree._Element) -> Iterator[etree._Element]:
    """The shapes of a slide or group, through the wrappers of newer features."""
    for child in tree:
        if child.tag in _SHAPES:
            yield child
        elif child.tag == f"{COMPATIBILITY}AlternateContent":
            choice = child.find(f"{COMPATIBILITY}Choice")
            yield from [] if choice is None else shapes(choice)


def placeholder(shape: etree._Element) -> Placeholder | None:
    found = next(shape.iterfind(f"*/{P}nvPr/{P}ph"), None)
    return None if found is None else Placeholder(type=found.get("type", ""), index=found.get("idx", "0"))


def box(shape: etree._Element, design: Design) -> Box:
    """Where the shape stands: its own word for it, else that of its layout, else its master's."""
    for each in [shape, *_models(shape, design)]:
        if (found := _own_box(each)) is not None:
            return found
    return Box()


def list_styles(shape: etree._Element, design: Design) -> list[etree._Element]:
    """The list styles that apply to the shape's text, the nearest first."""
    bodies = [each.find(f"{P}txBody") for each in [shape, *_models(shape, design)]]
    styles = [None if body is None else body.find(f"{A}lstStyle") for body in bodies]
    if design.master is not None:
        styles.append(design.master.find(f"{P}txStyles/{P}{_text_style(shape)}"))
    return [style for style in styles if style is not None]


def _text_style(shape: etree._Element) -> str:
    own = placeholder(shape)
    if own is None:
        return "otherStyle"
    if own.type in TITLES:
        return "titleStyle"
    return "bodyStyle" if own.type in _BODIES else "otherStyle"


def _models(shape: etree._Element, design: Design) -> list[etree._Element]:
    """The placeholders of layout and master that the shape fills."""
    own = placeholder(shape)
    if own is None:
        return []
    in_layout = _find(design.layout, lambda each: each.index == own.index) if own.type not in TITLES else None
    if in_layout is None:
        in_layout = _find(design.layout, lambda each: _alike(each, own))
    in_master = _find(design.master, lambda each: _alike(each, own))
    return [each for each in (in_layout, in_master) if each is not None]


def _alike(one: Placeholder, other: Placeholder) -> bool:
    kinds = [
        "title" if each.type in TITLES else "body" if each.type in _BODIES else each.type
        for each in (one, other)
    ]
    return kinds[0] == kinds[1]


def _find(part: etree._Element | None, matches: Callable[[Placeholder], bool]) -> etree._Element | None:
    tree = None if part is None else part.find(f"{P}cSld/{P}spTree")
    for shape in [] if tree is None else shapes(tree):
        own = placeholder(shape)
        if own is not None and matches(own):
            return shape
    return None


def _own_box(shape: etree._Element) -> Box | None:
    frame = next((each for path in _FRAMES if (each := shape.find(path)) is not None), None)
    offset = None if frame is None else frame.find(f"{A}off")
    extent = None if frame is None else frame.find(f"{A}ext")
    if offset is None or extent is None:
        return None
    left, top = _length(offset, "x"), _length(offset, "y")
    return Box(left=left, top=top, right=left + _length(extent, "cx"), bottom=top + _length(extent, "cy"))


def _length(element: etree._Element, name: str) -> int:
    found = element.get(name, "")
    return int(found) if _LENGTH.fullmatch(found) else 0
