"""A question's terms, weighed by how rare they are in the collections that were searched."""

import math
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from rag.adapters.local.frame_words import FRAME_WORDS
from rag.domain.answers import Prompt
from rag.domain.search import TermStatistics
from rag.text.language import detect_language
from rag.text.terms import analyse, query_terms

FRAME_WEIGHT = 0.3


@dataclass(frozen=True, kw_only=True)
class Question:
    """Term weights by the language of the passage they are looked up in; 1 is as rare as can be."""

    text: str
    weights: Mapping[str, Mapping[str, float]]

    def weight(self, terms: AbstractSet[str], language: str) -> float:
        weights = self.weights[language]
        return sum(weights[term] for term in terms & weights.keys())

    def coverage(self, terms: AbstractSet[str], language: str) -> float:
        """The share of the question's weight that the terms hold, in [0, 1]."""
        total = sum(self.weights[language].values())
        return self.weight(terms, language) / total if total else 0.0


def read_question(prompt: Prompt) -> Question:
    """Stop words are those of the question's own language, whatever the passages are written in."""
    languages = tuple(dict.fromkeys(passage.language for passage in prompt.passages))
    content = frozenset(query_terms(prompt.input, (*languages, detect_language(prompt.input))))
    weights = {language: _weights(prompt, language, content) for language in languages}
    return Question(text=prompt.input, weights=weights)


def _weights(prompt: Prompt, language: str, content: AbstractSet[str]) -> Mapping[str, float]:
    terms = [term for term in query_terms(prompt.input, (language,)) if term in content]
    frame = frozenset(analyse(FRAME_WORDS.get(language, ""), language))
    return {term: rarity(prompt.terms, term) * (FRAME_WEIGHT if term in frame else 1.0) for term in terms}


def rarity(statistics: TermStatistics, term: str) -> float:
    """BM25's inverse document frequency as a share of that of a term in one chunk.

    A term in no chunk weighs as much as one in a single chunk: of few chunks, absence says little.
    """
    frequency = max(1, statistics.document_frequency.get(term, 0))
    return _idf(statistics.chunk_count, frequency) / _idf(statistics.chunk_count, 1)


def _idf(chunks: int, frequency: int) -> float:
    return math.log(1 + (max(0, chunks - frequency) + 0.5) / (frequency + 0.5))
