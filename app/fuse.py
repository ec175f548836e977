"""How the scores of the keyword and the semantic leg become one order; pure functions."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from rag.domain.search import Passage, SearchMode

KEYWORD = "keyword"
SEMANTIC = "semantic"


def convex(passages: Iterable[Passage], semantic_weight: float) -> tuple[Passage, ...]:
    """Scores `(bm25 / max(bm25) + weight * cosine) / (1 + weight)`, in [0, 1].

    A passage without a keyword match has BM25 0; an opposite direction counts as no similarity.
    After Bruch et al. 2022, "An Analysis of Fusion Functions for Hybrid Retrieval".
    """
    candidates = tuple(passages)
    best = max((passage.scores.get(KEYWORD, 0.0) for passage in candidates), default=0.0)
    return ordered(
        replace(passage, score=_convex_score(passage, best, semantic_weight)) for passage in candidates
    )


def _convex_score(passage: Passage, best_keyword: float, semantic_weight: float) -> float:
    keyword = passage.scores.get(KEYWORD, 0.0) / best_keyword if best_keyword > 0 else 0.0
    cosine = min(1.0, max(0.0, passage.scores.get(SEMANTIC, 0.0)))
    return (keyword + semantic_weight * cosine) / (1 + semantic_weight)


def single_leg(passages: Iterable[Passage], leg: str) -> tuple[Passage, ...]:
    """One leg's own order and score; passages that the leg does not score are left out."""
    return ordered(
        replace(passage, score=passage.scores[leg]) for passage in passages if leg in passage.scores
    )


def fuse(passages: Sequence[Passage], mode: SearchMode, semantic_weight: float) -> tuple[Passage, ...]:
    if mode is SearchMode.KEYWORD:
        return single_leg(passages, KEYWORD)
    if mode is SearchMode.SEMANTIC:
        return single_leg(passages, SEMANTIC)
    return convex(passages, semantic_weight)


def ordered(passages: Iterable[Passage]) -> tuple[Passage, ...]:
    """Best first; ties by document and ordinal, so that the same passages always give the same order."""
    return tuple(sorted(passages, key=lambda passage: (-passage.score, passage.document.id, passage.ordinal)))
