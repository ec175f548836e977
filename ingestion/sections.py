"""Which units may share a chunk: a section's, or those of a page, a row or the whole document."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from ingestion.units import Cut, Unit
from rag.domain.documents import ChunkingStrategy

_SHORT_INTRODUCTION = 0.25


class Limits(NamedTuple):
    """Tokens: of a chunk by the recursive rule, and of one that a page, a row or a document may fill."""

    recursive: int
    whole: int


class Section(NamedTuple):
    """Units that share no chunk with any others. `limit` is the tokens of one chunk."""

    units: Sequence[Unit]
    limit: int


def sections(
    units: Iterable[Unit], strategy: ChunkingStrategy, limits: Limits, page_starts: Sequence[int]
) -> Iterator[Section]:
    """In order; what does not fit into one chunk as a whole is divided as by the recursive strategy."""
    match strategy:
        case ChunkingStrategy.WHOLE:
            yield from _whole([*units], limits)
        case ChunkingStrategy.PAGE if page_starts:
            for _, page in groupby(units, key=lambda unit: bisect_right(page_starts, unit.start)):
                yield from _whole([*page], limits)
        case ChunkingStrategy.ROW:
            yield from _rows(units, limits)
        case _:
            yield from _recursive(units, limits)


def _whole(units: Sequence[Unit], limits: Limits) -> Iterator[Section]:
    if units and _size(units) <= limits.whole:
        yield Section(units, limits.whole)
    else:
        yield from _recursive(units, limits)


def _rows(units: Iterable[Unit], limits: Limits) -> Iterator[Section]:
    """Headings and header rows go with the first row under them."""
    before: list[Unit] = []
    for row, group in groupby(units, key=lambda unit: unit.row):
        if row is None:
            before = [*group]
            continue
        body = len(before) - _announcing(before)
        yield from _recursive(before[:body], limits)
        yield from _whole([*before[body:], *group], limits)
        before = []
    yield from _recursive(before, limits)


def _announcing(units: Sequence[Unit]) -> int:
    """How many of the last units belong to what follows."""
    return next(
        (count for count, unit in enumerate(reversed(units)) if unit.cut is not Cut.NEVER), len(units)
    )


def _recursive(units: Iterable[Unit], limits: Limits) -> Iterator[Section]:
    for section in _joined(_under_headings(units), limits.recursive):
        yield Section(section, limits.recursive)


def _under_headings(units: Iterable[Unit]) -> Iterator[list[Unit]]:
    """Headings with the body text up to the next heading."""
    section: list[Unit] = []
    for unit in units:
        if unit.level and section and not section[-1].level:
            yield section
            section = []
        section.append(unit)
    if section:
        yield section


def _joined(divided: Iterable[list[Unit]], limit: int) -> Iterator[list[Unit]]:
    """Joins a short introduction to the section under it where one chunk holds both."""
    held: list[Unit] = []
    for section in divided:
        if held and _is_introduction(held, section, limit):
            held = held + section
            continue
        if held:
            yield held
        held = section
    if held:
        yield held


def _is_introduction(held: Sequence[Unit], section: Sequence[Unit], limit: int) -> bool:
    before = _size(held)
    deepest = max(unit.level for unit in held)
    shallowest = min(unit.level for unit in section if unit.level)
    return before <= limit * _SHORT_INTRODUCTION and shallowest > deepest and before + _size(section) <= limit


def _size(units: Sequence[Unit]) -> int:
    return sum(unit.tokens for unit in units)
