"""The sentences of passages, with the terms that each holds and the terms it stands under."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rag.domain.search import Passage
from rag.text.sentences import sentence_spans
from rag.text.terms import analyse

LONGEST_HEADING_WORDS = 9
LONGEST_SENTENCE = 1200
DUPLICATE = 0.7

_ENDED = re.compile(r"[.!;…。！][\"'”’»)\]*_]*$")
_QUESTION = re.compile(r"[?？][\"'”’»)\]*_]*$")
_HEADING_MARK = re.compile(r"#{1,6}\s")
# "4.", "5.2", "A.3", "Cláusula 13 –": what counts headings, and not what a statement says.
_NUMBERING = re.compile(
    r"(?:(?:cap[ií]tulo|cl[aá]usula|artigo|se[cç][aã]o|anexo|chapter|section|article|appendix|annex)\s+)?"
    r"(?:[A-Z]\.|[IVXLC]+\b|\d)[\d.]*(?:[ªº°)]|\b)?\s*[-–—:]?\s+",
    re.IGNORECASE,
)
_CELL_EDGE = " | "
# A list item, a table row, a "name: value" line or a number says something without a full stop.
_STATEMENT_SIGN = re.compile(r"^\s*(?:[-*+•–]|\d+[.)])\s|\s\|\s|:\s+\S|\d")


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """`text` is the passage's from `start` to `end`.

    `context` holds the terms of its document's title and of the heading or question it stands under.
    """

    passage: int
    start: int
    end: int
    text: str
    language: str
    terms: frozenset[str]
    context: frozenset[str]

    @property
    def place(self) -> tuple[int, int]:
        return self.passage, self.start


def read_sentences(passages: Iterable[Passage]) -> list[Sentence]:
    return [sentence for number, passage in enumerate(passages) for sentence in _read(number, passage)]


def trusted(passages: Iterable[Passage]) -> list[Passage]:
    """Without those that give orders: an answer made of sentences would repeat what they want said."""
    return [passage for passage in passages if not passage.suspicious]


def trusted_sentences(passages: Sequence[Passage]) -> list[Sentence]:
    return [each for each in read_sentences(passages) if not passages[each.passage].suspicious]


def _read(number: int, passage: Passage) -> Iterator[Sentence]:
    """Statements only: headings, questions and header rows become the context of what follows them."""
    language = passage.language
    title = terms_of(passage.document.title or "", language)
    context = title | terms_of(passage.locator.heading or "", language)
    header: frozenset[str] | None = None
    for start, end in sentence_spans(passage.text):
        text = passage.text[start:end]
        terms = terms_of(text, language)
        is_row = _CELL_EDGE in text
        if is_row and header is None:
            header = terms if _is_header_row(text) else frozenset()
        elif not is_row:
            header = None
        if _is_question(text) or is_heading(text, passage.locator.heading):
            context = title | terms
        elif end - start <= LONGEST_SENTENCE and not (is_row and _is_header_row(text)):
            yield Sentence(
                passage=number,
                start=start,
                end=end,
                text=text,
                language=language,
                terms=terms,
                context=context | (header or frozenset()),
            )


def _is_header_row(text: str) -> bool:
    """Names of columns: no number, no sentence in a cell."""
    return not any(map(str.isdigit, text)) and not any(_ENDED.search(cell) for cell in text.split(_CELL_EDGE))


def terms_of(text: str, language: str) -> frozenset[str]:
    return frozenset(analyse(text, language))


def _is_question(text: str) -> bool:
    return _QUESTION.search(text) is not None


def is_heading(text: str, heading_path: str | None) -> bool:
    if _HEADING_MARK.match(text) or (heading_path is not None and text in heading_path):
        return True
    numbering = _NUMBERING.match(text)
    words = text[numbering.end() :] if numbering else text
    few = len(words.split()) <= LONGEST_HEADING_WORDS
    return few and not _ENDED.search(words) and not _STATEMENT_SIGN.search(words)


def repeats(sentence: Sentence, chosen: Sequence[Sentence]) -> bool:
    """Whether it says nearly what a chosen one says."""
    return any(_overlap(sentence.terms, other.terms) >= DUPLICATE for other in chosen)


def _overlap(left: frozenset[str], right: frozenset[str]) -> float:
    return len(left & right) / max(1, len(left | right))
