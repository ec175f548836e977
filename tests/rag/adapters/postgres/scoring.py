"""BM25 in plain Python."""

import math
from collections import Counter
from collections.abc import Sequence

from rag.text.terms import analyse, query_terms


def bm25(texts: Sequence[str], query: str) -> dict[str, float]:
    """Robertson and Zaragoza 2009 with k1 = 1.2 and b = 0.75, idf as in Lucene."""
    counted = {text: Counter(analyse(text, "en")) for text in texts}
    average = sum(sum(counted[text].values()) for text in texts) / max(1, len(texts))
    scores: dict[str, float] = {}
    for term in query_terms(query, ["en"]):
        holding = [text for text in texts if counted[text][term]]
        idf = math.log(1 + (len(texts) - len(holding) + 0.5) / (len(holding) + 0.5))
        for text in set(holding):
            frequency = counted[text][term]
            length = 0.25 + 0.75 * sum(counted[text].values()) / average
            scores[text] = scores.get(text, 0) + idf * frequency * 2.2 / (frequency + 1.2 * length)
    return scores
