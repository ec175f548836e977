"""A question's terms, weighed by how rare they are in the collections that were searched."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rag.domain.answers import Prompt
from rag.domain.search import Passage, TermStatistics
from rag.text.language import detect_language
from rag.text.terms import query_terms


@dataclass(frozen=True, kw_only=True)
class Question:
    """Term weights (inverse document frequency) by language of the passage they are looked up in."""

    text: str
    weights: dict[str, dict[str, float]]

    def coverage(self, terms: Iterable[str], language: str) -> float:
        """The share of the question's weight that the terms hold, in [0, 1]."""
        weights = self.weights[language]
        total = sum(weights.values())
        return sum(weights.get(term, 0.0) for term in set(terms)) / total if total else 0.0


def read_question(prompt: Prompt) -> Question:
    languages = tuple(dict.fromkeys(passage.language for passage in prompt.passages))
    content = set(query_terms(prompt.input, (*languages, detect_language(prompt.input))))
    weights = {
        language: {
            term: inverse_document_frequency(prompt.terms, term)
            for term in query_terms(prompt.input, (language,))
            if term in content
        }
        for language in languages
    }
    return Question(text=prompt.input, weights=weights)


def inverse_document_frequency(statistics: TermStatistics, term: str) -> float:
    """BM25's, always above 0; a term that no chunk holds weighs most."""
    frequency = statistics.document_frequency.get(term, 0)
    return math.log(1 + (statistics.chunk_count - frequency + 0.5) / (frequency + 0.5))


def prior(passages: Sequence[Passage]) -> list[float]:
    """Each passage's score as a share of the best one's."""
    best = max((passage.score for passage in passages), default=0.0)
    return [max(0.0, passage.score) / best if best > 0 else 0.0 for passage in passages]
