"""The sentences of passages, with the terms that each holds and the terms it stands under."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rag.domain.search import Passage
from rag.text.sentences import sentence_spans

Analyse: TypeAlias = Callable[[str], frozenset[str]]

LONGEST_HEADING_WORDS = 9
LONGEST_SENTENCE = 1200

_ENDED = re.compile(r"[.!;…。！][\"'”’»)\]*_]*$")
_QUESTION = re.compile(r"[?？][\"'”’»)\]*_]*$")
_HEADING_MARK = re.compile(r"#{1,6}\s")
# A list item, a table row, a "name: value" line or a number says something without a full stop.
_STATEMENT_SIGN = re.compile(r"^\s*(?:[-*+•–]|\d+[.)])\s|\s\|\s|:\s+\S|\d")


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """`text` is the passage's from `start` to `end`. `context` holds the terms of what it stands under."""

    passage: int
    start: int
    end: int
    text: str
    terms: frozenset[str]
    context: frozenset[str]
    distance: int  # sentences since the heading or question it stands under


def read_sentences(number: int, passage: Passage, analyse: Analyse) -> Iterator[Sentence]:
    """Statements only: headings and questions become the context of what follows them."""
    context = analyse(passage.locator.heading or "")
    distance = 0
    for start, end in sentence_spans(passage.text):
        text = passage.text[start:end]
        if _is_question(text) or is_heading(text, passage):
            context, distance = analyse(text), 0
        elif end - start <= LONGEST_SENTENCE:
            yield Sentence(
                passage=number,
                start=start,
                end=end,
                text=text,
                terms=analyse(text),
                context=context,
                distance=distance,
            )
            distance += 1


def _is_question(text: str) -> bool:
    return _QUESTION.search(text) is not None


def is_heading(text: str, passage: Passage) -> bool:
    if _HEADING_MARK.match(text) or _is_own_heading(text, passage.locator.heading):
        return True
    few_words = len(text.split()) <= LONGEST_HEADING_WORDS
    return few_words and not _ENDED.search(text) and not _STATEMENT_SIGN.search(text)


def _is_own_heading(text: str, path: str | None) -> bool:
    return path is not None and text in path


def folded(text: str) -> str:
    """On one line, as an answer shows it."""
    return " ".join(text.split())


def near_duplicate(sentence: Sentence, chosen: Sequence[Sentence]) -> bool:
    return any(_overlap(sentence.terms, other.terms) >= DUPLICATE for other in chosen)


DUPLICATE = 0.7


def _overlap(left: frozenset[str], right: frozenset[str]) -> float:
    return len(left & right) / max(1, len(left | right))
