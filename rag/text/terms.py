"""The terms that texts and queries are matched by."""

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from itertools import chain, islice, zip_longest
from typing import Final, Protocol

from rag.text.stems import STEMMED_LANGUAGES, stem
from rag.text.stop_words import STOP_WORDS
from rag.text.words import fold_accents, parts, pieces, tokens

MAX_TERM_LENGTH: Final = 100
MAX_QUERY_TERMS: Final = 256

# Snowball in Python takes 60 µs a word, a cached token 1.5 µs; a full cache of one language holds 27 MB.
_CACHED_TOKENS: Final = 100_000
_LETTER_PREFIX: Final = re.compile(r"([^\W\d_])-([^\W\d_]{3,})")
_GROUPED_NUMBER: Final = re.compile(r"(?<!\d)\d{1,3}(?:[.,]\d{3})+(?!\d)")


class _TokenAnalysis(Protocol):
    def __call__(self, token: str, /) -> tuple[str, ...]: ...


def analyse(text: str, language: str) -> list[str]:
    """The terms of the text in order, as often as they occur; stop words are terms too.

    A compound such as "NF-e" or "8.666/93" gives itself as typed, then the terms of its parts;
    "e-mail" gives "email" instead of itself.
    """
    return [term for token in tokens(text) for term in _terms(token, language)]


def query_terms(text: str, languages: Iterable[str]) -> tuple[str, ...]:
    """The distinct terms of a query in every language, at most MAX_QUERY_TERMS of them.

    Stop words are left out unless the query has nothing else.
    """
    query = tokens(text)
    spoken = tuple(dict.fromkeys(languages))
    stop_words = _stop_words(query, spoken)
    analysed = [_content(query, language, stop_words) for language in spoken]
    if not any(analysed):
        analysed = [_content(query, language, frozenset()) for language in spoken]
    side_by_side = chain.from_iterable(zip_longest(*analysed))
    return tuple(islice(dict.fromkeys(filter(None, side_by_side)), MAX_QUERY_TERMS))


def _content(query: Iterable[str], language: str, stop_words: frozenset[str]) -> list[str]:
    return [term for token in query for term in _content_terms(token, language, stop_words)]


def _content_terms(token: str, language: str, stop_words: frozenset[str]) -> list[str]:
    stopped = [part for part in parts(token) if fold_accents(part) in stop_words]
    unwanted = {term for part in stopped for term in _terms(part, language)}
    return [term for term in _terms(token, language) if term not in unwanted]


def _stop_words(query: Iterable[str], languages: Iterable[str]) -> frozenset[str]:
    """Those of the language that the query seems to be written in: "era" is content in English."""
    words = [fold_accents(token) for token in query]
    lists = [STOP_WORDS.get(language, frozenset[str]()) for language in languages]
    seen = [sum(word in stop_words for word in words) for stop_words in lists]
    likely = (stop_words for stop_words, count in zip(lists, seen, strict=True) if count == max(seen))
    return frozenset[str]().union(*likely)


def _terms(token: str, language: str) -> tuple[str, ...]:
    analysis = _analysis(language if language in STEMMED_LANGUAGES else "")
    if len(token) <= MAX_TERM_LENGTH:
        return analysis(token)
    words = (piece[:MAX_TERM_LENGTH] for part in parts(token) for piece in pieces(part))
    return tuple(chain.from_iterable(map(analysis, words)))


@cache
def _analysis(language: str) -> _TokenAnalysis:
    @lru_cache(_CACHED_TOKENS)
    def analysis(token: str, /) -> tuple[str, ...]:
        words = parts(token)
        stems = [stem(piece, language) for word in words for piece in pieces(word)]
        terms = stems if words == [token] else [*_as_typed(token, language), *stems]
        return tuple(term[:MAX_TERM_LENGTH] for term in terms)

    return analysis


def _as_typed(compound: str, language: str) -> list[str]:
    """The compound itself, and its numbers without separators of thousands."""
    if prefixed := _LETTER_PREFIX.fullmatch(compound):
        return [stem(prefixed[1] + prefixed[2], language)]
    numbers = _GROUPED_NUMBER.findall(compound)
    return [fold_accents(compound), *(re.sub("[.,]", "", number) for number in numbers)]
