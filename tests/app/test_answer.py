"""Questions to cited answers over the real store."""

import pytest

from app.abstention import INSUFFICIENT_EVIDENCE
from app.answer import (
    AnswerCompleted,
    AnswerCreated,
    Answerer,
    AnswerEvent,
    CitationAdded,
    RetrievalCompleted,
)
from app.ground import Withdrawn
from app.retrieve import Retriever
from rag.domain.answers import Answer, AnswerRequest, AnswerStatus, Completed, TextDelta, Usage
from rag.domain.search import SearchRequest
from rag.errors import (
    CollectionNotFound,
    ConversationNotFound,
    GenerativeModelRequired,
    ModelResponseInvalid,
)
from rag.ports import Generator
from tests.doubles.generators import ScriptedGenerator, script
from tests.doubles.library import Library

REFUNDS = "Refunds are paid within five working days to the card that was charged."
CONTRACT = "Qualquer das partes pode rescindir o contrato com aviso prévio de sessenta dias."
QUESTION = "When are refunds paid?"
QUOTE = "Refunds are paid within five working days"
MADE_UP = "Refunds are paid in gold"


@pytest.fixture
def filled(library: Library) -> Library:
    library.add("refunds.md", f"# Money\n\nWe like customers.\n\n{REFUNDS}\n", title="Refund policy")
    library.add("contrato.txt", f"O contrato vigora por dois anos. {CONTRACT}")
    library.add("garden.txt", "The garden is open on Fridays. Lunch is served at noon.")
    return library


def _answerer(library: Library, generator: Generator | None = None) -> Answerer:
    retriever = Retriever(store=library.store, embedder=library.backend.embedder)
    generator = generator or library.backend.generator
    return Answerer(store=library.store, retriever=retriever, generator=generator)


def _request(
    question: str = QUESTION, *, conversation_id: str | None = None, model: str | None = None
) -> AnswerRequest:
    search = SearchRequest(query=question)
    return AnswerRequest(search=search, conversation_id=conversation_id, model=model)


def _check_citations(library: Library, answer: Answer) -> None:
    for citation in answer.citations:
        text = library.store.documents.text(citation.source.document_id)
        assert text[citation.source.start : citation.source.end] == citation.quote


def test_an_answer_is_made_of_the_documents_words_and_cites_them(filled: Library) -> None:
    answer = _answerer(filled).answer(_request())
    assert (answer.status, answer.language, answer.model) == (AnswerStatus.ANSWERED, "en", "extractive")
    assert REFUNDS in answer.text
    assert {citation.source.title for citation in answer.citations} == {"Refund policy"}
    assert answer.unsupported == ()
    assert set(answer.timings_ms) == {"embed", "retrieve", "rerank", "generate", "total"}
    _check_citations(filled, answer)


def test_a_question_is_answered_from_documents_of_its_language(filled: Library) -> None:
    answer = _answerer(filled).answer(_request("Com quantos dias de aviso se pode rescindir o contrato?"))
    assert answer.language == "pt"
    assert CONTRACT in answer.text
    _check_citations(filled, answer)


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Which volcano erupted in Iceland in 2010?", "en"),
        ("Qual vulcão entrou em erupção na Islândia?", "pt"),
        ("¿Qué volcán entró en erupción en Islandia el año pasado?", "es"),
        ("Quel volcan est entré en éruption en Islande cette année ?", "fr"),
        ("Welcher Vulkan ist in Island im letzten Jahr ausgebrochen?", "de"),
        ("Quale vulcano ha eruttato in Islanda nello scorso anno?", "it"),
    ],
)
def test_without_evidence_it_says_so_in_the_questions_language(
    filled: Library, question: str, language: str
) -> None:
    answer = _answerer(filled).answer(_request(question))
    assert (answer.status, answer.language) == (AnswerStatus.INSUFFICIENT_EVIDENCE, language)
    assert answer.text == INSUFFICIENT_EVIDENCE[language]
    assert answer.citations == ()
    assert answer.passages != ()


def test_events_come_in_order_and_deltas_are_the_text(filled: Library) -> None:
    events = list(_answerer(filled).stream(_request()))
    last = events[-1]
    assert isinstance(last, AnswerCompleted)
    assert [type(event) for event in events[:2]] == [AnswerCreated, RetrievalCompleted]
    assert _text(events) == last.answer.text
    assert {type(event) for event in events[2:-1]} == {TextDelta, CitationAdded}
    assert [e.citation for e in events if isinstance(e, CitationAdded)] == list(last.answer.citations)


def _text(events: list[AnswerEvent]) -> str:
    """What a reader sees in the end."""
    text = ""
    for event in events:
        if isinstance(event, Withdrawn):
            text = ""
        elif isinstance(event, TextDelta):
            text += event.text
    return text


def test_an_answer_is_kept(filled: Library) -> None:
    answer = _answerer(filled).answer(_request())
    kept = filled.store.answers.get(answer.id)
    assert (kept.text, kept.citations) == (answer.text, answer.citations)


def test_without_passages_the_generator_is_not_asked(library: Library) -> None:
    generator = ScriptedGenerator(*script([(REFUNDS, QUOTE)]))
    answer = _answerer(library, generator).answer(_request())
    assert answer.status is AnswerStatus.INSUFFICIENT_EVIDENCE
    assert generator.prompts == []


def test_a_misquoted_sentence_is_unsupported(filled: Library) -> None:
    generator = ScriptedGenerator(*script([("In five days.", QUOTE), ("In gold.", MADE_UP)]))
    answer = _answerer(filled, generator).answer(_request())
    assert [citation.quote for citation in answer.citations] == [QUOTE]
    assert [answer.text[span.start : span.end] for span in answer.unsupported] == ["In gold."]
    assert answer.usage == Usage(input_tokens=5, output_tokens=3)
    _check_citations(filled, answer)


def test_what_cannot_be_verified_is_withdrawn(filled: Library) -> None:
    generator = ScriptedGenerator(*script([("In gold.", MADE_UP), ("In silver.", MADE_UP)]))
    events = list(_answerer(filled, generator).stream(_request()))
    assert [type(event) for event in events].count(Withdrawn) == 1
    assert _text(events) == INSUFFICIENT_EVIDENCE["en"]
    last = events[-1]
    assert isinstance(last, AnswerCompleted)
    assert last.answer.status is AnswerStatus.INSUFFICIENT_EVIDENCE
    assert last.answer.text == INSUFFICIENT_EVIDENCE["en"]
    assert last.answer.citations == ()


def test_text_comes_as_the_model_writes_it_and_citations_as_they_are_verified(filled: Library) -> None:
    said = [("In gold.", MADE_UP), ("In five days.", QUOTE), ("So it is.", QUOTE)]
    events = list(_answerer(filled, ScriptedGenerator(*script(said))).stream(_request()))
    kinds = [TextDelta, TextDelta, CitationAdded, TextDelta, CitationAdded]
    assert [type(event) for event in events[2:-1]] == kinds


def test_a_fallback_is_named(filled: Library) -> None:
    said = [*script([("In five days.", QUOTE)])[:-1], Completed(model="other")]
    answer = _answerer(filled, ScriptedGenerator(*said)).answer(_request())
    assert (answer.model, answer.fallback_from) == ("other", "scripted")
    kept = filled.store.answers.get(answer.id)
    assert (kept.model, kept.fallback_from) == ("other", "scripted")


@pytest.mark.parametrize("text", ["", "INSUFFICIENT_EVIDENCE"])
def test_an_empty_output_is_an_abstention(filled: Library, text: str) -> None:
    generator = ScriptedGenerator(TextDelta(text=text), Completed())
    assert _answerer(filled, generator).answer(_request()).status is AnswerStatus.INSUFFICIENT_EVIDENCE


def test_a_refusal_is_told_apart(filled: Library) -> None:
    answer = _answerer(filled, ScriptedGenerator(Completed(refused=True))).answer(_request())
    assert (answer.status, answer.citations) == (AnswerStatus.REFUSED, ())
    assert answer.text == "The model refused to answer."


def test_an_output_that_breaks_off_is_an_error(filled: Library) -> None:
    generator = ScriptedGenerator(*script([("In five days.", QUOTE)])[:-1])
    with pytest.raises(ModelResponseInvalid):
        _answerer(filled, generator).answer(_request())


def test_leaving_the_stream_ends_the_models(filled: Library) -> None:
    generator = ScriptedGenerator(*script([("In five days.", QUOTE), ("So it is.", QUOTE)]))
    events = _answerer(filled, generator).stream(_request())
    while not isinstance(next(events), TextDelta):
        pass
    close = getattr(events, "close", None)
    assert close is not None
    close()
    assert generator.closed == 1


def test_what_is_wrong_with_the_request_comes_before_any_event(filled: Library) -> None:
    with pytest.raises(ConversationNotFound):
        next(_answerer(filled).stream(_request(conversation_id="cnv_none")))
    search = SearchRequest(query=QUESTION, collections=("none",))
    with pytest.raises(CollectionNotFound):
        next(_answerer(filled).stream(AnswerRequest(search=search)))
    with pytest.raises(GenerativeModelRequired, match="ACERVO_GENERATION"):
        next(_answerer(filled).stream(_request(model="gpt")))


def test_a_follow_up_is_understood_from_the_question_before(filled: Library) -> None:
    conversation = filled.store.answers.start_conversation().id
    answerer = _answerer(filled)
    answerer.answer(
        _request("Como se pode rescindir o contrato com aviso prévio?", conversation_id=conversation)
    )
    answer = answerer.answer(_request("E em quantos dias?", conversation_id=conversation))
    assert (answer.status, answer.conversation_id) == (AnswerStatus.ANSWERED, conversation)
    assert CONTRACT in answer.text


def test_a_generative_model_reads_the_turns_before(filled: Library) -> None:
    conversation = filled.store.answers.start_conversation().id
    generator = ScriptedGenerator(*script([("In five days.", QUOTE)]))
    answerer = _answerer(filled, generator)
    answerer.answer(_request(conversation_id=conversation))
    answerer.answer(_request("And to which card?", conversation_id=conversation))
    first, rewriting, second = generator.prompts
    assert (first.history, rewriting.passages) == ((), ())
    assert [(turn.question, turn.answer) for turn in second.history] == [(QUESTION, "In five days.")]
    assert second.input == "And to which card?"
