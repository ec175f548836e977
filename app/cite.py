"""Verification: a citation exists only where its quote stands in the source, character for character."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.domain.answers import Citation, CitationSource, Claim, Span
from rag.domain.search import Passage
from rag.text.sentences import sentence_spans

MIN_WORDS = 3
QUOTE_MARKS = "\"'"
# Ideographs stand for words of their own: a Chinese sentence has no spaces.
_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u9fff"
WORD = re.compile(rf"[{_IDEOGRAPHS}]|[^\W{_IDEOGRAPHS}]+")
# "12.5" is not "5", "-5" is not "5", "1,000" is not "1".
NUMBER_BEFORE = re.compile(r"(?:\d[.,:/]|(?:^|[\s(])[-+])\Z")
NUMBER_AFTER = re.compile(r"[.,:/]\d")

_SAME = {
    **dict.fromkeys("“”„‟«»″", '"'),
    **dict.fromkeys("‘’‚‛′`´", "'"),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    "…": "...",
}
_INVISIBLE = frozenset("\u00ad\u200b\u200c\u200d\u2060\ufeff")
_LIGATURES = range(0xFB00, 0xFB07)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Folded:
    """A text without typography; character i of `text` comes from `source[starts[i]:ends[i]]`."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]


def locate(quote: str, passage: Passage) -> tuple[int, int] | None:
    """The span of `passage.text` that holds the quote, or None.

    Letters, digits and case must be equal; whitespace, quotation marks, dashes, ligatures and invisible
    characters may differ, and what a model adds around a quote (marks, an ellipsis, a full stop) is ignored.
    """
    folded = _fold(passage.text)
    for variant in _variants(_fold(quote).text):
        span = _find(variant, folded)
        if span is not None:
            return span
    return None


def cite(claim: Claim, passages: Sequence[Passage], text: str) -> Citation | None:
    """The citation that a claim about `text` makes, or None: its quote is not in its passage."""
    span = _trimmed(text, claim.start, claim.end)
    if span is None or not 0 <= claim.passage < len(passages):
        return None
    passage = passages[claim.passage]
    located = locate(claim.quote, passage)
    if located is None or not _says_enough(passage.text, *located):
        return None
    return Citation(
        start=span.start,
        end=span.end,
        passage=claim.passage,
        source=_source(passage, *located),
        quote=passage.text[slice(*located)],
    )


def _source(passage: Passage, start: int, end: int) -> CitationSource:
    offset = passage.locator.start
    return CitationSource(
        document_id=passage.document.id,
        key=passage.document.key,
        title=passage.document.title,
        start=offset + start,
        end=offset + end,
        page=passage.locator.page_at(offset + start),
    )


def _trimmed(text: str, start: int, end: int) -> Span | None:
    """The claim's span without the whitespace around it; None: it holds nothing."""
    start, end = max(0, start), min(len(text), end)
    inner = text[start:end]
    if not inner.strip():
        return None
    return Span(start=start + len(inner) - len(inner.lstrip()), end=start + len(inner.rstrip()))


def _says_enough(text: str, start: int, end: int) -> bool:
    """A word or two prove nothing, unless they are a whole sentence of the source."""
    if len(WORD.findall(text[start:end])) >= MIN_WORDS:
        return True
    quoted = _bare(text[start:end])
    return bool(quoted) and any(_bare(text[a:b]) == quoted for a, b in sentence_spans(text) if a <= start < b)


def _bare(text: str) -> str:
    return " ".join(WORD.findall(text))


def unsupported(text: str, citations: Sequence[Citation]) -> tuple[Span, ...]:
    """The sentences that no citation touches."""
    return tuple(
        Span(start=start, end=end)
        for start, end in sentence_spans(text)
        if WORD.search(text, start, end) and not any(c.start < end and start < c.end for c in citations)
    )


def _variants(quote: str) -> Iterator[str]:
    """The quote as it came, then without what models put around one."""
    quote = quote.strip()
    yield quote
    bare = quote.strip(QUOTE_MARKS + " ")
    bare = bare.removeprefix("[...]").removesuffix("[...]").removeprefix("...").removesuffix("...").strip()
    yield bare
    yield bare.rstrip(".,;:!? ")


def _find(quote: str, folded: _Folded) -> tuple[int, int] | None:
    if not WORD.search(quote):
        return None
    start = folded.text.find(quote)
    while start >= 0:
        end = start + len(quote)
        if not _cuts(folded, start, end):
            return folded.starts[start], folded.ends[end - 1]
        start = folded.text.find(quote, start + 1)
    return None


def _cuts(folded: _Folded, start: int, end: int) -> bool:
    """Whether the span begins or ends inside a word, a number or a character of the source."""
    text = folded.text
    return (
        _one_word(text[start - 1 : start], text[start])
        or _one_word(text[end - 1], text[end : end + 1])
        or (text[start].isdigit() and NUMBER_BEFORE.search(text[max(0, start - 2) : start]) is not None)
        or (text[end - 1].isdigit() and NUMBER_AFTER.match(text, end) is not None)
    )


def _one_word(left: str, right: str) -> bool:
    """Ideographs have no borders; a combining mark belongs to the letter before it."""
    if not left or not right:
        return False
    if unicodedata.combining(left) or unicodedata.combining(right):
        return unicodedata.combining(right) > 0 or right.isalnum()
    return WORD.fullmatch(left + right) is not None


def _fold(text: str) -> _Folded:
    """One space for a run of whitespace, plain quotes and dashes, canonical decomposition.

    Never compatibility decomposition: it would make 10² the same as 102.
    """
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for position, character in enumerate(text):
        for folded in _fold_character(character):
            if folded == " " and characters and characters[-1] == " ":
                continue
            characters.append(folded)
            starts.append(position)
            ends.append(position + 1)
    return _Folded(text="".join(characters), starts=tuple(starts), ends=tuple(ends))


def _fold_character(character: str) -> str:
    if character.isascii():
        return " " if character.isspace() else _SAME.get(character, character)
    if character in _INVISIBLE:
        return ""
    if character.isspace():
        return " "
    if ord(character) in _LIGATURES:
        return unicodedata.normalize("NFKD", character)
    return _SAME.get(character) or unicodedata.normalize("NFD", character)
