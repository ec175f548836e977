"""Made-up chunks of the size that documents give: 1,000 characters, words as rare as in prose."""

import hashlib
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice
from typing import Any, Final

import numpy as np

from rag.domain.content import Chunk, EmbeddedChunk, Vector
from rag.text.term_codes import counted_codes
from rag.text.terms import analyse

CHARACTERS: Final = 1000
DIMENSIONS: Final = 1024
_VOCABULARY: Final = 30_000
_SYLLABLES: Final = ("ba", "ce", "di", "fo", "gu", "ra", "ne", "ti", "lo", "mu", "sta", "pre", "con", "tion")


def make_chunks(count: int) -> list[EmbeddedChunk]:
    """The same ones each time; their vectors are rows of one float32 matrix."""
    texts = islice(_texts(random.Random(1)), count)
    vectors: Any = np.random.default_rng(1).standard_normal((count, DIMENSIONS), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [_embedded(ordinal, text, vectors[ordinal]) for ordinal, text in enumerate(texts)]


def grouped(chunks: Sequence[EmbeddedChunk], size: int) -> list[Sequence[EmbeddedChunk]]:
    return [chunks[start : start + size] for start in range(0, len(chunks), size)]


def _texts(source: random.Random) -> Iterator[str]:
    words = ["".join(source.choices(_SYLLABLES, k=source.randint(1, 4))) for _ in range(_VOCABULARY)]
    zipf = list(accumulate(1 / rank for rank in range(1, _VOCABULARY + 1)))
    while True:
        yield " ".join(source.choices(words, cum_weights=zipf, k=CHARACTERS // 3))[:CHARACTERS]


def _embedded(ordinal: int, text: str, vector: Vector) -> EmbeddedChunk:
    return EmbeddedChunk(
        chunk=Chunk(ordinal=ordinal, start=0, end=len(text), text=text, headings=("A chapter",)),
        context="",
        terms=counted_codes(Counter(analyse(text, "en"))),
        embedded_sha256=hashlib.sha256(text.encode()).digest(),
        embedding=vector,
    )
