"""Embedding a stream of texts batch by batch."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Final

from rag.domain.content import Vector, VectorStream

_BATCH: Final = 64


def stream_in_batches(
    embed: Callable[[Sequence[str]], Sequence[Vector]], texts: Iterable[str]
) -> VectorStream:
    """Vectors with the numbers of their texts; no more texts are drawn than are embedded next."""
    remaining, number = iter(texts), 0
    while batch := list(islice(remaining, _BATCH)):
        yield [*enumerate(embed(batch), start=number)]
        number += len(batch)
