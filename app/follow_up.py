"""A follow-up question made to stand alone for retrieval, by a simple rule."""

import re
from collections.abc import Sequence

from rag.domain.answers import Turn
from rag.text.language import detect_language
from rag.text.terms import query_terms

FEW_TERMS = 2

# What leans on the turn before: "and …", "what about …", a pronoun in front.
LEANING = re.compile(
    r"(?:and|but|so|or|then|what about|how about|why not|it|its|they|them|their|he|she|this|that|these|those"
    r"|e|mas|ou|então|entao|ele|ela|eles|elas|isso|isto|esse|essa|esses|essas|este|esta|aquele|aquela|dele|dela"
    r"|y|pero|eso|esto|et|mais|cela|ça|und|aber|questo|quello)\b",
    re.IGNORECASE,
)


def standalone(question: str, history: Sequence[Turn]) -> str:
    """The question, with the one before it in front where it leans on it."""
    if not history or not leans(question):
        return question
    return f"{history[-1].question} {question}"


def leans(question: str) -> bool:
    question = question.strip(" ¿¡\"'")
    if LEANING.match(question):
        return True
    return len(query_terms(question, (detect_language(question),))) <= FEW_TERMS
