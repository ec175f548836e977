"""How chunks are measured, so that the embedding models of their collection read them whole."""

from collections.abc import Callable, Sequence
from typing import Final

from rag.ports import Embedder

# What is left of the embedding model's longest text to a chunk's title and headings.
CONTEXT_TOKENS: Final = 64
# Models may read more, or average any number; beyond this a vector tells little of its text.
LONGEST: Final = 8_192


def longest_chunk(embedder: Embedder, other: Embedder | None = None) -> int:
    """Tokens of a chunk that is embedded whole, with its title and headings."""
    read = [each.max_tokens for each in (embedder, other) if each and each.max_tokens is not None]
    most = min((LONGEST, *read))
    return most - min(CONTEXT_TOKENS, most // 2)


def most_tokens(one: Embedder, other: Embedder) -> Callable[[Sequence[str]], list[int]]:
    """Counts what a text has by the model that sees more of them in it: chunks are to fit both."""

    def count(texts: Sequence[str]) -> list[int]:
        return [*map(max, one.count_tokens(texts), other.count_tokens(texts))]

    return count
