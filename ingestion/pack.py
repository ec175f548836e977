"""Divides a row of sized pieces into groups of even size that end where it is best to end."""

from collections.abc import Iterator, Sequence
from math import ceil

# What ending a group here is worth, in parts of the wanted size, by rank of the cut: best between paragraphs,
# for two are seldom about one thing.
_WORTH = (-2.0, 0.0, 0.2, 0.35, 1.0)
_SMALLEST = 0.4
# What is a little longer than the limit is one thing still, and is cut into two parts of it, not into three.
_FEW = 2


def pack(
    sizes: Sequence[int], cuts: Sequence[int], limit: int, *, wanted: float = 1.0
) -> Iterator[tuple[int, int]]:
    """Half-open ranges of pieces, each of at most `limit` in sum (a piece above it stands alone).

    `cuts[i]` ranks from 0 (never) to 4 (best) how well a group may end after piece i. What is more than the
    limit is shared out evenly, so that the last group is not a tiny one, in groups of about `wanted`, a
    share of the limit; in two where two hold it.
    """
    remaining = sum(sizes)
    if remaining <= _FEW * limit:
        wanted = 1.0
    first = 0
    while first < len(sizes):
        last = (
            len(sizes)
            if remaining <= limit
            else _best_end(sizes, cuts, first, limit, wanted=remaining / ceil(remaining / (limit * wanted)))
        )
        yield first, last
        remaining -= sum(sizes[first:last])
        first = last


def _best_end(sizes: Sequence[int], cuts: Sequence[int], first: int, limit: int, *, wanted: float) -> int:
    best, best_score = first + 1, float("-inf")
    total = 0
    for index in range(first, len(sizes)):
        total += sizes[index]
        if total > limit:
            break
        small = total < _SMALLEST * wanted
        score = _WORTH[cuts[index]] - abs(total - wanted) / wanted - small
        if score >= best_score:
            best, best_score = index + 1, score
    return best
