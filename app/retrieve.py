"""Question to passages: both legs, fused, reranked, widened."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.domain.content import Vector
from rag.domain.search import (
    Candidates,
    Passage,
    Retrieved,
    SearchedCollection,
    SearchMode,
    SearchRequest,
    TermStatistics,
)
from rag.embedders import described, embedder_of
from rag.errors import AcervoError, EmbeddingModelMismatch, RerankerRequired
from rag.ports import BuildEmbedder, Embedder, Reranker, TenantStore
from rag.telemetry import logger

MIN_DEPTH = 100
RERANK_DEPTH = 50


@dataclass(frozen=True, kw_only=True)
class Retriever:
    """`retrieve` never returns less than it was asked for without saying why: errors propagate."""

    store: TenantStore
    embedder: Embedder
    other_embedders: Sequence[BuildEmbedder] = ()
    reranker: Reranker | None = None

    def retrieve(self, request: SearchRequest) -> Retrieved:
        """Raises CollectionNotFound, EmbeddingModelMismatch and RerankerRequired."""
        watch = Stopwatch()
        reranker = self._reranker_for(request)
        collections = self.store.index.collections(request.collections)
        if not collections:
            return Retrieved(passages=(), terms=TermStatistics(), timings_ms=watch.timings())
        vector = embed_query(self.embedder_for(request, collections), request)
        watch.lap("embed")
        limit = max(RERANK_DEPTH, request.top_k) if reranker else request.top_k
        depth = max(MIN_DEPTH, limit * 5) if request.mode is SearchMode.HYBRID else limit
        candidates = self.candidates(request, collections, vector, depth=depth, limit=limit)
        watch.lap("retrieve")
        passages = candidates.passages
        failure = None
        if reranker:
            passages, failure = reranked(reranker, request, passages)
        watch.lap("rerank")
        return Retrieved(
            passages=self._widened(best(passages, request), request.neighbors),
            terms=candidates.terms,
            timings_ms=watch.timings(),
            rerank_failure=failure,
        )

    def candidates(
        self,
        request: SearchRequest,
        collections: Sequence[SearchedCollection],
        vector: Vector | None,
        *,
        depth: int,
        limit: int,
    ) -> Candidates:
        return self.store.index.search(
            request,
            collections=collections,
            vector=vector,
            semantic_weight=self.embedder_for(request, collections).semantic_weight,
            depth=depth,
            limit=limit,
        )

    def embedder_for(self, request: SearchRequest, collections: Sequence[SearchedCollection]) -> Embedder:
        """Of the model that the collections are embedded with."""
        models = {collection.embedding: collection.name for collection in collections}
        if request.mode is SearchMode.KEYWORD or not models:
            return self.embedder
        if len(models) > 1:
            named = ", ".join(f"{name!r} with {described(model)}" for model, name in models.items())
            raise EmbeddingModelMismatch(
                f"The collections are embedded with different models: {named}. Name collections of one model,"
                ' or search with mode "keyword".'
            )
        return embedder_of(next(iter(models)), self.embedder, self.other_embedders)

    def _reranker_for(self, request: SearchRequest) -> Reranker | None:
        if not request.rerank:
            return None
        if self.reranker is None:
            raise RerankerRequired("This deployment has no reranker: leave out `rerank`, or set it to false.")
        return self.reranker

    def _widened(self, passages: tuple[Passage, ...], neighbors: int) -> tuple[Passage, ...]:
        return self.store.index.widen(passages, neighbors) if neighbors else passages


def embed_query(embedder: Embedder, request: SearchRequest) -> Vector | None:
    """None where the keyword leg alone is asked."""
    return None if request.mode is SearchMode.KEYWORD else embedder.embed_query(request.query)


def rerank(reranker: Reranker, request: SearchRequest, fused: Sequence[Passage]) -> tuple[Passage, ...]:
    """Only the fused top is reranked and returned: scores of two kinds do not compare."""
    head = fused[: max(RERANK_DEPTH, request.top_k)]
    scores = reranker.rerank(request.query, head)
    reranked = (
        replace(passage, score=score, scores={**passage.scores, "rerank": score})
        for passage, score in zip(head, scores, strict=True)
    )
    return tuple(sorted(reranked, key=lambda p: (-p.score, p.document.id, p.ordinal)))


def best(passages: Sequence[Passage], request: SearchRequest) -> tuple[Passage, ...]:
    least = request.min_score
    return tuple(p for p in passages if least is None or p.score >= least)[: request.top_k]


def reranked(
    reranker: Reranker, request: SearchRequest, fused: Sequence[Passage]
) -> tuple[tuple[Passage, ...], str | None]:
    """Also the code of what went wrong, where the request has an answer all the same."""
    try:
        return rerank(reranker, request, fused), None
    except AcervoError as error:
        if not request.rerank_fallback:
            raise
        logger.warning("not reranked by %s: %s: %s", reranker.model_id, error.code, error)
        return tuple(fused), error.code


class Stopwatch:
    """Milliseconds of each lap since the one before, and of the whole."""

    def __init__(self) -> None:
        self._started = self._lap_started = time.perf_counter()
        self._laps = {"embed": 0.0, "retrieve": 0.0, "rerank": 0.0}

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self._laps[name] = _milliseconds(now - self._lap_started)
        self._lap_started = now

    def total(self) -> float:
        return _milliseconds(time.perf_counter() - self._started)

    def timings(self) -> dict[str, float]:
        return {**self._laps, "total": self.total()}


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
