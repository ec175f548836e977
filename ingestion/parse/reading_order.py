"""The order in which a reader takes the boxes of a slide: columns and rows cut apart at the widest gap."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TypeVar

Content = TypeVar("Content")

# Boxes may overlap by this part of their common extent and still stand beside each other.
_TOLERANCE = 0.02
_AXES = (("top", "bottom"), ("left", "right"))
# Cutting is quadratic in the number of boxes.
_MOST_BOXES = 300


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle; lengths in any unit, downwards and to the right."""

    left: float = 0
    top: float = 0
    right: float = 0
    bottom: float = 0


@dataclass(frozen=True, kw_only=True)
class _Cut:
    gap: float
    start: str
    position: float


def reading_order(boxes: Sequence[tuple[Box, Content]]) -> list[tuple[Box, Content]]:
    ordered = sorted(boxes, key=lambda pair: (pair[0].top, pair[0].left))
    if 1 < len(ordered) <= _MOST_BOXES and (cut := _widest(ordered)):
        start = attrgetter(cut.start)
        before = [pair for pair in ordered if start(pair[0]) < cut.position]
        after = [pair for pair in ordered if start(pair[0]) >= cut.position]
        return reading_order(before) + reading_order(after)
    return ordered


def _widest(boxes: Sequence[tuple[Box, Content]]) -> _Cut | None:
    cuts = [cut for start, end in _AXES for cut in _cuts([box for box, _ in boxes], start, end)]
    return max(cuts, key=attrgetter("gap"), default=None)


def _cuts(boxes: Sequence[Box], start: str, end: str) -> list[_Cut]:
    """Where a line across this axis parts the boxes."""
    spans = sorted((getattr(box, start), getattr(box, end)) for box in boxes)
    first, reached = spans[0]
    least = -_TOLERANCE * (max(span[1] for span in spans) - first)
    cuts = []
    for begins, ends in spans[1:]:
        if begins > first and begins - reached >= least:
            cuts.append(_Cut(gap=begins - reached, start=start, position=begins))
        reached = max(reached, ends)
    return cuts
