"""Sentences that a fake model finds in its sources, and the ways in which it misquotes them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from rag.text.sentences import sentence_spans

MOST_SENTENCES: Final = 3

_STOP_WORDS: Final = {
    *("about", "does", "from", "have", "that", "their", "them", "there", "these", "they", "this", "those"),
    *("what", "when", "where", "which", "will", "with", "your"),
    *("como", "esse", "esta", "este", "isso", "mais", "para", "pela", "pelo", "pode", "qual", "quais"),
    *("quando", "quem", "sobre", "suas", "seus", "uma"),
}


@dataclass(frozen=True, kw_only=True)
class Source:
    """A search result or a passage; `index` counts from 0 over the whole request."""

    index: int
    title: str
    uri: str
    blocks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A sentence of the answer and what is said to prove it: blocks `start` to `end` of the source.

    `quote`: the words a marker would hold; `cited`: the blocks as a native citation gives them.
    """

    sentence: str
    quote: str
    cited: tuple[str, ...]
    source: Source
    start: int
    end: int


def evidence_for(question: str, sources: Sequence[Source]) -> list[Proof]:
    """The sentences that share most words with the question, if any shares one."""
    asked = _words(question)
    scored = [(len(asked & _words(proof.sentence)), proof) for source in sources for proof in _all(source)]
    best = max((shared for shared, _ in scored), default=0)
    if not best:
        return []
    ranked = sorted(scored, key=lambda one: -one[0])
    return [proof for shared, proof in ranked[:MOST_SENTENCES] if shared * 2 >= best]


def _all(source: Source) -> list[Proof]:
    return [
        Proof(
            sentence=block[start:end],
            quote=block[start:end],
            cited=(block,),
            source=source,
            start=number,
            end=number + 1,
        )
        for number, block in enumerate(source.blocks)
        for start, end in sentence_spans(block)
    ]


def _words(text: str) -> set[str]:
    found = re.findall(r"\w+", text.casefold())
    return {word for word in found if len(word) > 3} - _STOP_WORDS


def misquoted(proofs: Sequence[Proof], sources: Sequence[Source], *, true_too: bool) -> list[Proof]:
    """One after the other in every way; with `true_too` after the first proof as it is."""
    wrong = [change(proofs[turn % len(proofs)], sources) for turn, change in enumerate(_WAYS_TO_MISQUOTE)]
    return [*proofs[:1], *wrong] if true_too else wrong


def _quoting(proof: Proof, quote: str) -> Proof:
    return replace(proof, quote=quote, cited=(quote,))


def _paraphrased(proof: Proof, _: Sequence[Source]) -> Proof:
    words = proof.quote.split()
    return _quoting(proof, f"In other words, {' '.join([*words[1:], *words[:1]]).lower()}")


def _merged(proof: Proof, sources: Sequence[Source]) -> Proof:
    """The beginning of the sentence with the end of another; where there is no other, its halves swapped."""
    others = [other for source in sources for other in _all(source) if other.quote != proof.quote]
    words = proof.quote.split()
    half = (len(words) + 1) // 2
    if not others:
        return _quoting(proof, " ".join([*words[half:], *words[:half]]))
    more = others[0].quote.split()
    return _quoting(proof, " ".join([*words[:half], *more[len(more) // 2 :]]))


def _of_wrong_passage(proof: Proof, sources: Sequence[Source]) -> Proof:
    """The right words, said to stand in the next source; where there is no other, in one never given."""
    wrong = replace(sources[(proof.source.index + 1) % len(sources)])
    if len(sources) == 1:
        wrong = replace(wrong, index=wrong.index + 1)
    return replace(proof, source=wrong)


def _with_ellipsis(proof: Proof, _: Sequence[Source]) -> Proof:
    words = proof.quote.split()
    return _quoting(proof, f"{' '.join(words[:2])} … {' '.join(words[-2:])}")


def _with_other_number(proof: Proof, _: Sequence[Source]) -> Proof:
    """A number that stands there grows by one; where none does, one is put in."""
    changed, count = re.subn(r"\d+", lambda found: str(int(found[0]) + 1), proof.quote, count=1)
    words = proof.quote.split()
    return _quoting(proof, changed if count else " ".join([*words[:1], "42", *words[1:]]))


_WAYS_TO_MISQUOTE: Final[tuple[Callable[[Proof, Sequence[Source]], Proof], ...]] = (
    _paraphrased,
    _merged,
    _of_wrong_passage,
    _with_ellipsis,
    _with_other_number,
)
