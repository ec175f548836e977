"""Whether passages hold enough evidence for a question: a logistic rule over four features."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass

from rag.adapters.local.question import Question
from rag.adapters.local.sentences import Sentence, terms_of
from rag.domain.search import Passage

CONTEXT_SHARE = 0.5

# Fitted by `python -m bench.fit_abstention`: logistic regression, both classes and every set in them
# weighted alike. Own: CLAPnq's answerable questions against CLAPnq, bench/questions_pt.jsonl against
# examples/documents/pt. Foreign: CLAPnq's questions against SciFact, SciFact's claims against CLAPnq, the
# Portuguese questions against the passages of FaQuAD and, those that name no document, against the examples.
# No question of FaQuAD was used: they are what bench.abstention reports.
WEIGHTS = (5.45, 2.64, 1.57, 2.18)
INTERCEPT = -7.48
MOST_WEIGHT = 2.5


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Coverage is the share of the question's weight (rarity of its terms) that a text holds."""

    passage_coverage: float  # of the best passage with its title and heading
    sentence_coverage: float  # of the best sentence, partly with what it stands under
    sentence_weight: float  # the weight that sentence covers; 1 is a term as rare as can be
    sentence_cosine: float  # of the sentence nearest to the question


def sufficient(evidence: Evidence) -> bool:
    return log_odds(evidence) >= 0


def log_odds(evidence: Evidence) -> float:
    features: Sequence[float] = astuple(evidence)
    return INTERCEPT + sum(weight * value for weight, value in zip(WEIGHTS, features, strict=True))


def weigh(
    question: Question, passages: Iterable[Passage], sentences: Iterable[Sentence], *, nearest: float
) -> Evidence:
    """`nearest` is the greatest cosine of a sentence with the question."""
    best = max(sentences, key=lambda sentence: sentence_coverage(question, sentence), default=None)
    coverage = sentence_coverage(question, best) if best else 0.0
    total = sum(question.weights[best.language].values()) if best else 0.0
    return Evidence(
        passage_coverage=max((passage_coverage(question, passage) for passage in passages), default=0.0),
        sentence_coverage=coverage,
        sentence_weight=min(MOST_WEIGHT, coverage * total),
        sentence_cosine=nearest,
    )


def sentence_coverage(question: Question, sentence: Sentence) -> float:
    """What a heading, a title or a question above says counts in part."""
    own = question.coverage(sentence.terms, sentence.language)
    standing_under = question.coverage(sentence.terms | sentence.context, sentence.language)
    return own + CONTEXT_SHARE * (standing_under - own)


def passage_coverage(question: Question, passage: Passage) -> float:
    text = f"{passage.document.title or ''} {passage.locator.heading or ''} {passage.text}"
    return question.coverage(terms_of(text, passage.language), passage.language)
