"""Paragraphs, list items and headings out of the lines of PDF pages."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TypeAlias

from ingestion.parse.pdf_lines import HYPHEN, Line
from rag.domain.content import BlockKind

_Key: TypeAlias = tuple[float, str, int]

_LIST_LINE = re.compile(r"(?:[-*•‣▪●◦–]|\d{1,2}[.)]|\(?(?:\d{1,2}|[a-z])\))\s+\S")
_DIGITS = re.compile(r"\d+")
_HYPHENATED = re.compile(rf"(?<![^\W\d_])([^\W\d_]++)({HYPHEN}|-\n)([^\W\d_]*)")
_COMPOUND = re.compile(r"(?<![^\W\d_])[^\W\d_]++-[^\W\d_]+")
# Portuguese pronouns joined to a verb by a hyphen that belongs to the word.
_PRONOUNS = frozenset(
    (
        "se",
        "me",
        "te",
        "lhe",
        "lhes",
        "nos",
        "vos",
        "lo",
        "la",
        "los",
        "las",
        "no",
        "na",
        "o",
        "a",
        "os",
        "as",
    )
)
_RUNNING_TITLE_SHARE = 0.6
_FEWEST_PAGES = 3
_FEWEST_LINES = 5
_EDGE_LINES = 2
_HEADING_RATIO = 1.15
_LONGEST_HEADING = 200
_MOST_HEADING_TEXT = 0.25
# Average width of a character to the size of type: prose 0.4–0.55, monospaced 0.6, capitals 0.7.
_WIDEST_TYPE = 0.75
_SENTENCE_ENDS = (".", "!", "?", ":", ";", "…", ")", "”", '"')


@dataclass(frozen=True, kw_only=True, slots=True)
class Paragraph:
    kind: BlockKind
    text: str
    level: int = 0


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What a document's lines have in common: the size of body type and of headings, largest first."""

    body_size: float
    heading_sizes: tuple[float, ...]
    compounds: frozenset[str]

    @classmethod
    def of(cls, pages: Sequence[Sequence[Line]]) -> "Layout":
        lines = [line for page in pages for line in page if line.upright]
        weights: Counter[float] = Counter()
        for line in lines:
            weights[line.size] += len(line.text)
        body = weights.most_common(1)[0][0] if weights else 0.0
        large = {size: weight for size, weight in weights.items() if size >= body * _HEADING_RATIO}
        trusted = sum(large.values()) <= _MOST_HEADING_TEXT * weights.total()
        return cls(
            body_size=body,
            heading_sizes=tuple(sorted(large, reverse=True)) if trusted else (),
            compounds=frozenset(word.lower() for line in lines for word in _compounds(line.text)),
        )

    def level(self, line: Line) -> int:
        """1–6 for a line in heading type, 0 for others. Sizes within 5 % are one level."""
        if not line.upright or line.size not in self.heading_sizes or not any(map(str.isalpha, line.text)):
            return 0
        level = 1
        for larger, smaller in pairwise(self.heading_sizes):
            if larger <= line.size:
                break
            level += smaller < larger * 0.95
        return min(level, 6)


def without_running_titles(pages: list[list[Line]]) -> list[list[Line]]:
    """Drops headers, footers and page numbers that stand on most pages; never all of a document."""
    long = [page for page in pages if len(page) >= _FEWEST_LINES]
    repeated = _all_repeated(long, _key)
    # On short pages every line is at an edge: there, only what also stands at one height repeats.
    placed = _all_repeated([page for page in pages if page], _placed_key)
    return [_without(page, repeated, placed) for page in pages]


def _all_repeated(pages: list[list[Line]], key: Callable[[Line], _Key]) -> set[_Key]:
    """Also what repeats on left or on right pages alone."""
    return _repeated(pages, key) | _repeated(pages[::2], key) | _repeated(pages[1::2], key)


def _repeated(pages: list[list[Line]], key: Callable[[Line], _Key]) -> set[_Key]:
    seen = Counter(each for page in pages for each in {key(line) for line in _edges(page)})
    enough = max(_FEWEST_PAGES, _RUNNING_TITLE_SHARE * len(pages))
    return {each for each, count in seen.items() if count >= enough}


def _without(page: list[Line], repeated: set[_Key], placed: set[_Key]) -> list[Line]:
    is_long = len(page) >= _FEWEST_LINES
    dropped = {
        id(line)
        for line in _edges(page)
        if _placed_key(line) in placed or (is_long and _key(line) in repeated)
    }
    return [line for line in page if id(line) not in dropped] or page


def _edges(page: list[Line]) -> list[Line]:
    """The highest and the lowest lines of a page, wherever they come in the reading order."""
    by_height = sorted(page, key=lambda line: line.foot)
    return by_height[:_EDGE_LINES] + by_height[-_EDGE_LINES:]


def _key(line: Line) -> _Key:
    """The size tells a title page's title from the same words as a header."""
    return line.size, _DIGITS.sub("#", line.text.casefold()), 0


def _placed_key(line: Line) -> _Key:
    size, text, _ = _key(line)
    return size, text, round(line.foot)


def paragraphs(page: Sequence[Line], layout: Layout) -> list[Paragraph]:
    return [_paragraph(group, layout) for group in _groups(page, layout)]


def _groups(page: Sequence[Line], layout: Layout) -> Iterator[list[Line]]:
    pitch = _pitch(page)
    group: list[Line] = []
    for line in page:
        if group and _begins(group, line, layout, pitch):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def _pitch(page: Sequence[Line]) -> float:
    """The usual distance between the feet of two lines."""
    steps = [above.foot - below.foot for above, below in pairwise(page)]
    return median([step for step in steps if step > 0] or [0.0])


def _begins(group: list[Line], line: Line, layout: Layout, pitch: float) -> bool:
    last = group[-1]
    if last.text.endswith(HYPHEN):
        return False
    if (
        line.upright != last.upright
        or layout.level(line) != layout.level(last)
        or _LIST_LINE.match(line.text)
    ):
        return True
    step = last.foot - line.foot
    if step < 0 or step > 1.4 * max(pitch, last.size):
        return not (line.text[:1].islower() and not last.text.endswith(_SENTENCE_ENDS))
    indent = line.left - last.left
    width = max(each.right for each in group) - min(each.left for each in group)
    closed = last.text.endswith((".", "!", "?", ":", "…"))
    if closed and len(group) > 1 and last.right < max(each.right for each in group) - 0.15 * width:
        return True
    return closed and layout.body_size * 0.7 < indent < layout.body_size * 5


def _paragraph(group: list[Line], layout: Layout) -> Paragraph:
    level = layout.level(group[0])
    text = mend_hyphens(_flow(group), layout.compounds)
    if level and len(text) <= _LONGEST_HEADING:
        return Paragraph(kind=BlockKind.HEADING, text=" ".join(text.split()), level=level)
    if _LIST_LINE.match(text):
        return Paragraph(kind=BlockKind.LIST_ITEM, text=" ".join(text.split()))
    return Paragraph(kind=BlockKind.PARAGRAPH, text=text)


def _flow(group: list[Line]) -> str:
    """Wrapped lines flow on; lines that ended for another reason, and rows of tables, keep their break."""
    right = max(line.right for line in group)
    text = ""
    for line, following in zip(group, [*group[1:], None], strict=True):
        text += line.text
        if following is not None and not line.text.endswith(HYPHEN):
            text += " " if _wraps(line, following, right) else "\n"
    return text


def _wraps(line: Line, following: Line, right: float) -> bool:
    """Whether the line ended because the next word had no room."""
    if line.text.endswith("-") or _is_spread(line) or _is_spread(following):
        return False
    if following.text[:1].islower():
        return True
    word = len(following.text.split(" ", 1)[0]) + 1
    return line.right + word * following.character_width >= right


def _is_spread(line: Line) -> bool:
    """Cells of a table row stand further apart than the letters of any type."""
    return " " in line.text and line.character_width > _WIDEST_TYPE * line.size


def mend_hyphens(text: str, compounds: frozenset[str]) -> str:
    """Joins words broken at a line's end; keeps the hyphen of compounds seen elsewhere and of pronouns."""

    def mend(match: re.Match[str]) -> str:
        first, _, rest = match.groups()
        keeps = not rest[:1].islower() or rest in _PRONOUNS or f"{first}-{rest}".lower() in compounds
        return f"{first}-{rest}" if keeps else first + rest

    if HYPHEN not in text and "-\n" not in text:  # which takes a hundredth of the time
        return text
    return _HYPHENATED.sub(mend, text).replace(HYPHEN, "-")


def _compounds(text: str) -> list[str]:
    return _COMPOUND.findall(text) if "-" in text else []
