"""Reranking by a cross-encoder on a SageMaker endpoint that runs Text Embeddings Inference."""

from collections.abc import Sequence
from typing import Final

from rag.adapters.rerank_scores import batches, scores_of, sendable
from rag.adapters.sagemaker.endpoint import Endpoint
from rag.domain.search import Passage

# The server's own limit of texts a request, unless it was started with another.
_BATCH: Final = 32


class SageMakerReranker:
    def __init__(self, endpoint: Endpoint, *, model: str | None = None) -> None:
        self._endpoint = endpoint
        self.model_id: Final = model or endpoint.address

    def rerank(self, query: str, passages: Sequence[Passage]) -> list[float]:
        texts = [sendable(passage.text) for passage in passages]
        return [score for batch in batches(texts, _BATCH) for score in self._scores(query, batch)]

    def close(self) -> None:
        self._endpoint.close()

    def _scores(self, query: str, texts: Sequence[str]) -> list[float]:
        request = {"query": sendable(query), "texts": texts, "truncate": True}
        return scores_of(self._endpoint.invoke(request), len(texts))
