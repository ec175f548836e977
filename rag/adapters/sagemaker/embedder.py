"""Embeddings from a SageMaker endpoint that runs Text Embeddings Inference."""

import math
from collections.abc import Iterable, Sequence
from threading import Lock
from typing import Any, Final

import numpy as np

from rag.adapters.local.batches import stream_in_batches
from rag.adapters.local.vectors import FloatArray, unit_rows, well_formed
from rag.adapters.sagemaker.endpoint import Endpoint
from rag.domain.content import Vector, VectorStream
from rag.domain.documents import EmbeddingModel
from rag.errors import ModelResponseInvalid

# The server's own limit of texts a request, unless it was started with another.
_BATCH: Final = 32
# The server truncates to what its model reads; 32 texts of this length are far below the 6 MiB of a request.
_LONGEST_TEXT: Final = 32_000
_CHARACTERS_PER_TOKEN: Final = 4


class SageMakerEmbedder:
    """`model` is what collections call it; None: the endpoint's name.

    Its dimensions are learnt by embedding a word when `model` is first asked for.
    """

    # To be measured with bench/ for the model at hand.
    semantic_weight: Final = 0.5

    def __init__(self, endpoint: Endpoint, *, model: str | None = None, max_tokens: int = 512) -> None:
        self.max_tokens: Final = max_tokens
        self._endpoint = endpoint
        self._name = model or endpoint.address
        self._dimensions: int | None = None
        self._learning = Lock()

    @property
    def model(self) -> EmbeddingModel:
        return EmbeddingModel(
            id=self._name, dimensions=self._dimensions or len(self.embed_query("dimensions"))
        )

    def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        batches = (texts[start : start + _BATCH] for start in range(0, len(texts), _BATCH))
        return [vector for batch in batches for vector in self._embed(batch)]

    def embed_stream(self, texts: Iterable[str]) -> VectorStream:
        return stream_in_batches(self.embed_documents, texts)

    def embed_query(self, text: str) -> Vector:
        return self._embed([text])[0]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """An estimate, one token for four characters: the endpoint does not tell its tokenizer."""
        return [math.ceil(len(text) / _CHARACTERS_PER_TOKEN) for text in texts]

    def close(self) -> None:
        self._endpoint.close()

    def _embed(self, texts: Sequence[str]) -> list[list[float]]:
        request = {"inputs": [*map(_sendable, texts)], "truncate": True, "normalize": True}
        rows = _rows(self._endpoint.invoke(request), len(texts))
        self._check_dimensions(rows.shape[1])
        return unit_rows(rows)

    def _check_dimensions(self, dimensions: int) -> None:
        with self._learning:
            expected = self._dimensions or dimensions
            if dimensions != expected:
                raise ModelResponseInvalid(
                    f"The embedding model {self._name} gave {dimensions} dimensions, not {expected}"
                )
            self._dimensions = expected


def _sendable(text: str) -> str:
    """The server refuses empty texts."""
    return well_formed(text[:_LONGEST_TEXT]).replace("\0", " ") or " "


def _rows(answer: Any, count: int) -> FloatArray:
    try:
        rows = np.asarray(answer, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ModelResponseInvalid(f"The endpoint's answer is not embeddings: {error}") from error
    if rows.ndim != 2 or rows.shape[0] != count or not rows.size or not np.isfinite(rows).all():  # noqa: PLR2004 - texts and dimensions
        raise ModelResponseInvalid(f"The endpoint gave embeddings of shape {rows.shape} for {count} texts")
    return rows
