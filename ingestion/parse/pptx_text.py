"""The paragraphs of a PPTX shape, with the bullets and numbers that its layout and master give them."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from lxml import etree

from ingestion.parse.builder import TextBuilder, lines, one_line
from ingestion.parse.numerals import letter, roman
from rag.domain.content import BlockKind

A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
MATH_TEXT = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
COMPATIBILITY = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"

_LEFT_OUT = frozenset({f"{A}pPr", f"{A}rPr", f"{A}endParaRPr", f"{COMPATIBILITY}Fallback"})
_BULLETS = frozenset({f"{A}buNone", f"{A}buChar", f"{A}buAutoNum", f"{A}buBlip"})
_NUMBERED = re.compile(r"(arabic|alphaLc|alphaUc|romanLc|romanUc)(Period|ParenR|ParenBoth|Plain)")
_FORMS = {"Period": "{}.", "ParenR": "{})", "ParenBoth": "({})", "Plain": "{}"}
_DEEPEST = 8


def text_of(paragraph: etree._Element) -> str:
    return lines("".join(_pieces(paragraph)))


def _pieces(element: etree._Element) -> Iterator[str]:
    for child in element:
        if child.tag in {f"{A}t", MATH_TEXT}:
            yield child.text or ""
        elif child.tag == f"{A}br":
            yield "\n"
        elif child.tag not in _LEFT_OUT and child.get("type") != "slidenum":
            yield from _pieces(child)


def add_paragraphs(builder: TextBuilder, body: etree._Element, styles: Sequence[etree._Element]) -> None:
    """`styles`: the list styles that apply, the nearest first."""
    builder.set_apart()
    numbers: Counter[int] = Counter()
    for paragraph in body.iter(f"{A}p"):
        text = text_of(paragraph)
        if not text:
            continue
        depth = _depth(paragraph)
        marker = _marker(_bullet(paragraph, depth, styles), numbers, depth)
        if marker:
            builder.add(BlockKind.LIST_ITEM, one_line(f"{marker} {text}"), depth=depth)
        else:
            builder.add(BlockKind.PARAGRAPH, text)
    builder.set_apart()


def _depth(paragraph: etree._Element) -> int:
    properties = paragraph.find(f"{A}pPr")
    level = "" if properties is None else properties.get("lvl", "")
    return min(int(level), _DEEPEST) if re.fullmatch(r"\d{1,3}", level) else 0


def _bullet(paragraph: etree._Element, depth: int, styles: Sequence[etree._Element]) -> etree._Element | None:
    """The element that says what stands before the paragraph."""
    layers = [paragraph.find(f"{A}pPr"), *(style.find(f"{A}lvl{depth + 1}pPr") for style in styles)]
    found = (child for layer in layers if layer is not None for child in layer if child.tag in _BULLETS)
    return next(found, None)


def _marker(bullet: etree._Element | None, numbers: Counter[int], depth: int) -> str:
    for deeper in [each for each in numbers if each > depth]:
        del numbers[deeper]
    if bullet is None or bullet.tag != f"{A}buAutoNum":
        del numbers[depth]
        return "" if bullet is None or bullet.tag == f"{A}buNone" else "-"
    numbers[depth] += 1
    start = bullet.get("startAt", "1")
    first = int(start) if re.fullmatch(r"\d{1,5}", start) else 1
    return _numbered(first + numbers[depth] - 1, bullet.get("type", ""))


def _numbered(number: int, scheme: str) -> str:
    match = _NUMBERED.fullmatch(scheme)
    if match is None:
        return f"{number}."
    if match[1] == "arabic":
        shown = str(number)
    else:
        shown = letter(number) if match[1].startswith("alpha") else roman(number)
    return _FORMS[match[2]].format(shown.upper() if match[1].endswith("Uc") else shown)
