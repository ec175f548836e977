"""Which questions lean on the one before."""

import pytest

from app.follow_up import leans, standalone
from rag.domain.answers import Turn

HISTORY = (Turn(question="What is the refund policy?", answer="Five days."),)


@pytest.mark.parametrize(
    "question",
    [
        "And for cards?",
        "What about cards in Brazil and Portugal?",
        "E qual o prazo?",
        "Ela vale em 2025?",
        "Why?",
    ],
)
def test_short_questions_and_pronouns_do(question: str) -> None:
    assert leans(question)
    assert standalone(question, HISTORY) == f"What is the refund policy? {question}"
    assert standalone(question, ()) == question


@pytest.mark.parametrize(
    "question",
    [
        "How many vacation days does an employee get each year?",
        "É possível rescindir o contrato antes do prazo de vigência?",
        "Itemised invoices: which taxes must they list in Brazil?",
    ],
)
def test_whole_questions_do_not(question: str) -> None:
    assert standalone(question, HISTORY) == question
