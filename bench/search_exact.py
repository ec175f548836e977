"""The right answers, computed without a database: BM25 over inverted lists, cosines by matrix products."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.search_prepared import Codes, Prepared
from bench.search_vectors import HalfMatrix
from rag.text.term_codes import MAX_COUNT, term_code
from rag.text.terms import query_terms

K1: Final = 1.2
B: Final = 0.75
_KEPT: Final = 200
_BLOCK: Final = 20_000
# Half precision and another order of summing: what is so near to the tenth is as good.
_ABSOLUTE_TIE: Final = 2e-6
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """The best passages of one question, by number; `scores` beside them, best first."""

    numbers: Sequence[int]
    scores: Sequence[float]

    def overlap(self, found: Sequence[int], depth: int = 10) -> float:
        """How many of the best `depth` were found; a passage with the last one's score is as good as that."""
        best = min(depth, len(self.scores))
        if not best:
            return 1.0
        least = self.scores[best - 1] * (1 - 1e-6) - _ABSOLUTE_TIE
        good = {number for number, score in zip(self.numbers, self.scores, strict=True) if score >= least}
        return min(best, len(good.intersection(found[:depth]))) / best


class Bm25:
    """k1 = 1.2, b = 0.75, inverse document frequency as in Lucene; terms of the questions only."""

    def __init__(self, prepared: Prepared, questions: Sequence[str], languages: Sequence[str]) -> None:
        self._terms = {
            question: [term_code(term) for term in query_terms(question, sorted(languages))]
            for question in questions
        }
        counts = np.concatenate(([0], np.cumsum(prepared.codes & MAX_COUNT)))
        lengths = np.diff(counts[prepared.bounds]).astype(np.float64)
        self._chunk_count = len(lengths)
        self._norms = K1 * (1 - B + B * lengths / lengths.mean())
        self._postings = _postings(prepared, {code for codes in self._terms.values() for code in codes})

    def best(self, question: str, *, allowed: npt.NDArray[np.bool_] | None = None) -> Ranking:
        scores: Scores = np.zeros(self._chunk_count)
        for code in self._terms[question]:
            numbers, frequencies = self._postings[code]
            held = len(numbers)
            idf = np.log(1 + (self._chunk_count - held + 0.5) / (held + 0.5))
            scores[numbers] += idf * frequencies * (K1 + 1) / (frequencies + self._norms[numbers])
        if allowed is not None:
            scores[~allowed] = 0
        return _ranking(scores, above=0.0)


def _postings(prepared: Prepared, wanted: set[int]) -> Mapping[int, tuple[Codes, Scores]]:
    """For each code the passages that hold it, and how often they do."""
    codes = np.array(sorted(wanted), np.int64)
    plain = prepared.codes & ~MAX_COUNT
    found = np.isin(plain, codes)
    plain, counts = plain[found], (prepared.codes[found] & MAX_COUNT).astype(np.float64)
    passages = np.repeat(np.arange(len(prepared.bounds) - 1), np.diff(prepared.bounds))[found]
    order = np.argsort(plain, kind="stable")
    plain, counts, passages = plain[order], counts[order], passages[order]
    starts, ends = np.searchsorted(plain, codes, "left"), np.searchsorted(plain, codes, "right")
    return {
        int(code): (passages[start:end], counts[start:end])
        for code, start, end in zip(codes, starts, ends, strict=True)
    }


def nearest(
    vectors: HalfMatrix, queries: HalfMatrix, *, allowed: npt.NDArray[np.bool_] | None = None
) -> list[Ranking]:
    """Of each query, by cosine over the vectors as they are stored."""
    wanted = queries.astype(np.float32)
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    cosines: Any = np.empty((len(queries), len(vectors)), np.float32)
    for start in range(0, len(vectors), _BLOCK):
        block = vectors[start : start + _BLOCK].astype(np.float32)
        block /= np.linalg.norm(block, axis=1, keepdims=True)
        cosines[:, start : start + _BLOCK] = wanted @ block.T
    if allowed is not None:
        cosines[:, ~allowed] = -2
    return [_ranking(row, above=-2.0) for row in cosines]


def _ranking(scores: npt.NDArray[Any], *, above: float) -> Ranking:
    best = np.argpartition(-scores, min(_KEPT, len(scores) - 1))[:_KEPT]
    best = best[scores[best] > above]
    best = best[np.argsort(-scores[best], kind="stable")]
    return Ranking(numbers=best.tolist(), scores=scores[best].tolist())
