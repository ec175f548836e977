"""Summaries over the real store."""

import pytest

from app.answer import AnswerCompleted, AnswerCreated, RetrievalCompleted
from app.summary import BUDGET, Summarizer
from rag.domain.answers import AnswerStatus, SummaryRequest
from rag.domain.filters import Comparison
from rag.errors import CollectionNotFound, DocumentNotFound, InvalidRequest
from rag.ports import Generator
from tests.doubles.generators import ScriptedGenerator, script
from tests.doubles.library import Library

REFUNDS = "Refunds are paid within five working days to the card that was charged."
GARDEN = "The garden behind the office is open to everybody on Fridays and Saturdays."


@pytest.fixture
def filled(library: Library) -> Library:
    library.add("refunds.md", f"# Money\n\n{REFUNDS} What about cash? Never mind.", year=2024)
    library.add("garden.txt", f"{GARDEN} Lunch is served there at noon by our own cook.", year=2026)
    return library


def _summarizer(library: Library, generator: Generator | None = None) -> Summarizer:
    return Summarizer(store=library.store, generator=generator or library.backend.generator)


def _id(library: Library, key: str) -> str:
    return library.store.documents.find("handbook", key).id


def test_every_document_of_a_collection_is_covered_in_its_own_words(filled: Library) -> None:
    answer = _summarizer(filled).summarize(SummaryRequest(collection="handbook"))
    assert answer.status is AnswerStatus.ANSWERED
    assert {citation.source.key for citation in answer.citations} == {"refunds.md", "garden.txt"}
    assert answer.unsupported == ()
    for citation in answer.citations:
        text = filled.store.documents.text(citation.source.document_id)
        assert text[citation.source.start : citation.source.end] == citation.quote


def test_documents_keep_the_order_asked_for(filled: Library) -> None:
    ids = (_id(filled, "garden.txt"), _id(filled, "refunds.md"))
    answer = _summarizer(filled).summarize(SummaryRequest(documents=ids))
    assert answer.text.index("garden") < answer.text.index("Refunds")


def test_a_filter_chooses(filled: Library) -> None:
    only = Comparison(field="metadata.year", op="eq", value=2026)
    answer = _summarizer(filled).summarize(SummaryRequest(collection="handbook", filter=only))
    assert {citation.source.key for citation in answer.citations} == {"garden.txt"}


def test_the_events_are_those_of_an_answer(filled: Library) -> None:
    events = list(_summarizer(filled).stream(SummaryRequest(collection="handbook")))
    assert [type(event) for event in events[:2]] == [AnswerCreated, RetrievalCompleted]
    last = events[-1]
    assert isinstance(last, AnswerCompleted)
    assert filled.store.answers.get(last.answer.id).text == last.answer.text


def test_what_cannot_be_summarised_is_an_error(filled: Library) -> None:
    filled.announce("waiting.txt", "Not read yet.")
    summarizer = _summarizer(filled)
    nothing = Comparison(field="key", op="eq", value="none")
    requests: list[tuple[SummaryRequest, type[Exception]]] = [
        (SummaryRequest(documents=("doc_none",)), DocumentNotFound),
        (SummaryRequest(collection="none"), CollectionNotFound),
        (SummaryRequest(collection="handbook", filter=nothing), DocumentNotFound),
        (SummaryRequest(documents=(_id(filled, "waiting.txt"),)), InvalidRequest),
        (SummaryRequest(), InvalidRequest),
        (SummaryRequest(documents=("doc_1",), collection="handbook"), InvalidRequest),
    ]
    for request, error in requests:
        with pytest.raises(error):
            next(summarizer.stream(request))


def test_a_model_reads_within_its_budget_and_cites_what_it_was_given(library: Library) -> None:
    paragraphs = [f"Paragraph number {n} says something of its own. " * 8 for n in range(250)]
    document = library.add("long.txt", "\n\n".join(paragraphs))
    text = library.store.documents.text(document.id)
    assert len(text) > BUDGET
    generator = ScriptedGenerator(*script([("It is about paragraphs.", "says something of its own")]))
    answer = _summarizer(library, generator).summarize(SummaryRequest(documents=(document.id,)))
    sizes = [sum(len(p.text) for p in prompt.passages) for prompt in generator.prompts]
    assert len(sizes) > 2
    assert max(sizes) <= BUDGET
    assert answer.usage.input_tokens == 5 * len(sizes)
    (citation,) = answer.citations
    assert text[citation.source.start : citation.source.end] == citation.quote
    assert answer.passages[citation.passage].text in text
