"""Vectors of 1,024 dimensions for any text: the bundled model's 256, turned into a larger space.

The rotation is a random matrix with orthonormal columns, always the same one: it keeps every cosine as it is.
So neighbours are those of a real model, and the index works on vectors as long as those of larger models.
Vectors are rounded to half precision, as the store keeps them.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from rag.adapters.local.wordllama import WordLlamaEmbedder
from rag.domain.content import Vector, VectorStream
from rag.domain.documents import EmbeddingModel

DIMENSIONS: Final = 1024
MODEL: Final = EmbeddingModel(id="wordllama-rotated", dimensions=DIMENSIONS)
HalfMatrix = npt.NDArray[np.float16]


def embed(texts: Sequence[str]) -> HalfMatrix:
    """One row a text."""
    rows = np.asarray(_model().embed_documents(texts), np.float32)
    halves: HalfMatrix = (rows @ _rotation().T).astype(np.float16)
    return halves


@cache
def _model() -> WordLlamaEmbedder:
    return WordLlamaEmbedder()


@cache
def _rotation() -> npt.NDArray[np.float32]:
    random: Any = np.random.default_rng(1).standard_normal((DIMENSIONS, WordLlamaEmbedder.model.dimensions))
    columns, _ = np.linalg.qr(random)
    return np.asarray(columns, np.float32)


class KnownEmbedder:
    """Gives the vectors of texts that were embedded before: a search is measured without its embedding."""

    model: Final = MODEL
    semantic_weight: Final = WordLlamaEmbedder.semantic_weight
    max_tokens: Final = WordLlamaEmbedder.max_tokens

    def __init__(self, texts: Sequence[str], vectors: HalfMatrix) -> None:
        self._vectors: Mapping[str, Vector] = {
            text: row.astype(np.float32).tolist() for text, row in zip(texts, vectors, strict=True)
        }

    def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        return [self._vectors[text] for text in texts]

    def embed_stream(self, texts: Iterable[str]) -> VectorStream:
        yield [(number, self._vectors[text]) for number, text in enumerate(texts)]

    def embed_query(self, text: str) -> Vector:
        return self._vectors[text]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text) // 4 for text in texts]
