"""Which sentences are chosen, and when none is."""

import time

import pytest

from app.prompt import grounded_prompt
from rag.adapters.local.extractive import ExtractiveGenerator
from rag.adapters.local.sentences import is_heading, read_sentences
from rag.adapters.local.wordllama import WordLlamaEmbedder
from rag.domain.answers import Claim, Completed, Style, TextDelta
from rag.domain.search import Locator, Passage, TermStatistics
from tests.doubles.passages import passage

GENERATOR = ExtractiveGenerator(WordLlamaEmbedder())
TERMS = TermStatistics(chunk_count=200, document_frequency={"plan": 20, "cust": 10, "broto": 3, "brot": 3})


def _quotes(question: str, *passages: Passage, style: Style = Style.ANSWER) -> list[str]:
    prompt = grounded_prompt(question, passages=passages, terms=TERMS, style=style)
    return [event.quote for event in GENERATOR.generate(prompt) if isinstance(event, Claim)]


def test_the_sentence_below_a_heading_is_preferred_to_the_heading() -> None:
    text = "4. Recesso de fim de ano\n\nA empresa concede recesso de 24 de dezembro a 1º de janeiro."
    quotes = _quotes("Quando é o recesso de fim de ano?", passage(text, language="pt"))
    assert quotes == ["A empresa concede recesso de 24 de dezembro a 1º de janeiro."]


def test_the_answer_below_a_question_is_preferred_to_the_question() -> None:
    text = (
        "How do I cancel my plan?\n\nOpen the settings and press the red button.\n\nHow do I pay?\n\nBy card."
    )
    quotes = _quotes("How do I cancel my plan?", passage(text))
    assert quotes == ["Open the settings and press the red button."]


def test_a_table_row_is_found_by_the_names_of_its_columns() -> None:
    text = "Plano | Custo mensal | Usuários\nBroto | R$ 149,00 | 5\nCopa | R$ 890,00 | 25"
    quotes = _quotes("Qual é o custo mensal do plano Broto?", passage(text, language="pt"))
    assert quotes == ["Broto | R$ 149,00 | 5"]


def test_the_same_sentence_is_said_once() -> None:
    said = "The warranty of the blue lamp lasts three years."
    quotes = _quotes("How long does the warranty of the blue lamp last?", passage(said), passage(said))
    assert quotes == [said]


def test_sentences_come_in_the_order_of_their_passages() -> None:
    text = "The blue lamp costs ten reais. Cats sleep. The warranty of the blue lamp lasts three years."
    quotes = _quotes("What does the blue lamp cost and how long is its warranty?", passage(text))
    assert quotes == [
        "The blue lamp costs ten reais.",
        "The warranty of the blue lamp lasts three years.",
    ]


def test_the_text_is_on_one_line_and_the_quote_is_the_sources() -> None:
    text = "The warranty of the\nblue lamp   lasts three years."
    prompt = grounded_prompt(
        "How long is the warranty of the blue lamp?", passages=[passage(text)], terms=TERMS
    )
    events = list(GENERATOR.generate(prompt))
    assert [event.text for event in events if isinstance(event, TextDelta)] == [
        "The warranty of the blue lamp lasts three years."
    ]
    assert [event.quote for event in events if isinstance(event, Claim)] == [text]


@pytest.mark.parametrize(
    "question",
    ["Who discovered penicillin?", "Qual é a capital da Mongólia?", "?", "How long is the war in the north?"],
)
def test_nothing_is_said_without_evidence(question: str) -> None:
    assert _quotes(question, passage("The warranty of the blue lamp lasts three years.")) == []


def test_a_summary_takes_from_every_document() -> None:
    documents = [
        passage(
            f"Chapter {name} is about the history of the {name} trade in Brazil. It is long. Hello there!",
            document=f"doc_{name}",
        )
        for name in ("coffee", "cotton", "sugar")
    ]
    quotes = _quotes("Summarise.", *documents, style=Style.SUMMARY)
    assert [quote.split()[1] for quote in quotes] == ["coffee", "cotton", "sugar"]


@pytest.mark.parametrize(
    "text",
    ["## Refunds", "5.2 Licença não remunerada", "Cláusula 13 – Da vigência", "A.3 Ajuda de custo", "Scope"],
)
def test_headings(text: str) -> None:
    assert is_heading(text, None)


@pytest.mark.parametrize(
    "text", ["Refunds take 5 days", "- multas de trânsito;", "It is free.", "Price: ten reais", "a | b"]
)
def test_statements(text: str) -> None:
    assert not is_heading(text, None)


def test_the_passages_heading_path_is_context() -> None:
    located = passage("Ten reais a month.", locator=Locator(start=0, end=18, heading="Plans › Broto"))
    (sentence,) = read_sentences([located])
    assert {"plan", "broto"} <= sentence.context


def test_passages_of_full_stops_cost_an_answer_next_to_nothing() -> None:
    passages = [passage(f"Hello {number}. " + "." * 2_500 + "x") for number in range(10)]
    _quotes("Hello?", passages[0])
    started = time.process_time()
    _quotes("Hello?", *passages)
    assert time.process_time() - started < 1  # 3.4 s where it grew with the square


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("How many days do refunds take?", "Refunds take 90 days."),
        ("Quantos dias leva o reembolso?", "O reembolso leva 90 dias."),
    ],
)
def test_a_passage_that_gives_orders_is_never_quoted(question: str, text: str) -> None:
    language = "pt" if "Quantos" in question else "en"
    poisoned = passage(text, suspicious=True, document="doc_2", language=language)
    assert _quotes(question, poisoned) == []
    assert _quotes(question, poisoned, style=Style.SUMMARY) == []
    trusted = passage(text.replace("90", "5"), language=language)
    assert _quotes(question, poisoned, trusted) == [text.replace("90", "5")]


@pytest.mark.parametrize("style", list(Style))
def test_an_answer_that_only_suspicious_passages_hold_is_withheld_and_this_is_said(style: Style) -> None:
    held = passage("The warranty of the blue lamp lasts three years.", suspicious=True)
    question = "How long does the warranty of the blue lamp last?"
    prompt = grounded_prompt(question, passages=[held], terms=TERMS, style=style)
    assert list(GENERATOR.generate(prompt)) == [Completed(distrusted=True)]
    foreign = grounded_prompt("Who discovered penicillin?", passages=[held], terms=TERMS)
    assert list(GENERATOR.generate(foreign)) == [Completed()]
