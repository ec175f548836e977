"""Which sentences answer a question: term coverage, nearness of meaning, the passage's own score."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul

from rag.adapters.local.evidence import Evidence, sentence_coverage, weigh
from rag.adapters.local.question import Question, read_question
from rag.adapters.local.sentences import Sentence, repeats, trusted, trusted_sentences
from rag.domain.answers import Prompt
from rag.domain.content import Vector
from rag.domain.search import Passage
from rag.ports import Embedder

COSINE_SHARE = 0.3
PRIOR_SHARE = 0.1
EMBEDDED_SENTENCES = 40
MOST_SENTENCES = 3
NEARLY_AS_GOOD = 0.9
NEW_COVERAGE = 0.2
# Below these shares of the best one's score and own coverage a sentence only shares a word with the question.
RELATED = 0.65
RELATED_COVERAGE = 0.5
# What a number is worth where the question asks for one, and what signs of code cost.
NUMBER_BONUS = 0.15
CODE_COST = 0.3
CODE_SHARE = 0.05

_ASKS_NUMBER = re.compile(
    r"\b(?:how (?:many|much|long|often|old|far)|when|quant[oa]s?|quando|cuánt[oa]s?|cuándo|combien)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w-])\d[\d.,:]*(?![\w-])")
_CODE = re.compile(r"[{}()=<>_;\\]")
# A long sentence covers terms by its length: what 300 characters more cost.
LENGTH_COST = 0.05


@dataclass(frozen=True, kw_only=True)
class Scored:
    sentence: Sentence
    coverage: float  # by its own terms, without what it stands under
    cosine: float
    score: float


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Everything that was found out about a question and its passages; `ranked` is best first."""

    question: Question
    ranked: tuple[Scored, ...]
    evidence: Evidence


def read(prompt: Prompt, embedder: Embedder) -> Reading:
    question = read_question(prompt)
    sentences = trusted_sentences(prompt.passages)
    covering = sorted(sentences, key=lambda sentence: -sentence_coverage(question, sentence))
    scored = _score(question, covering[:EMBEDDED_SENTENCES], prompt.passages, embedder)
    nearest = max((item.cosine for item in scored), default=0.0)
    return Reading(
        question=question,
        ranked=tuple(sorted(scored, key=lambda item: (-item.score, item.sentence.place))),
        evidence=weigh(question, trusted(prompt.passages), sentences, nearest=nearest),
    )


def _score(
    question: Question, sentences: Sequence[Sentence], passages: Sequence[Passage], embedder: Embedder
) -> list[Scored]:
    if not sentences:
        return []
    target = embedder.embed_query(question.text)
    vectors = embedder.embed_documents([sentence.text for sentence in sentences])
    best = max(passage.score for passage in passages)
    scored = []
    for sentence, vector in zip(sentences, vectors, strict=True):
        cosine = cosine_of(target, vector)
        prior = max(0.0, passages[sentence.passage].score) / best if best > 0 else 0.0
        score = sentence_coverage(question, sentence) + COSINE_SHARE * cosine + PRIOR_SHARE * prior
        own = question.coverage(sentence.terms, sentence.language)
        score += _form(question, sentence.text)
        scored.append(Scored(sentence=sentence, coverage=own, cosine=cosine, score=score))
    return scored


def _form(question: Question, text: str) -> float:
    """What a sentence's form adds to its score, whatever it speaks of."""
    wanted = NUMBER_BONUS if _ASKS_NUMBER.search(question.text) and _NUMBER.search(text) else 0.0
    code = CODE_COST if len(_CODE.findall(text)) >= CODE_SHARE * len(text) else 0.0
    return wanted - code - LENGTH_COST * len(text) / 300


def cosine_of(left: Vector, right: Vector) -> float:
    """Of two unit vectors."""
    return float(sum(map(mul, left, right)))


def choose(reading: Reading) -> list[Sentence]:
    """The best, then those that add to the question's coverage or are nearly as good; in reading order."""
    chosen: list[Sentence] = []
    for item in reading.ranked:
        if len(chosen) == MOST_SENTENCES:
            break
        if not chosen or _adds(reading, item, chosen):
            chosen.append(item.sentence)
    return sorted(chosen, key=lambda sentence: sentence.place)


def _adds(reading: Reading, item: Scored, chosen: Sequence[Sentence]) -> bool:
    sentence, best = item.sentence, reading.ranked[0]
    if sentence.language != best.sentence.language or repeats(sentence, chosen):
        return False
    if item.score < RELATED * best.score or item.coverage < RELATED_COVERAGE * best.coverage:
        return False
    if item.score >= NEARLY_AS_GOOD * best.score:
        return True
    said = frozenset[str]().union(*(other.terms | other.context for other in chosen))
    return reading.question.coverage(sentence.terms - said, sentence.language) >= NEW_COVERAGE
