"""The example documents through the whole of local mode: exact spans, exact quotes, known questions."""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.answer import Answerer
from app.retrieve import Retriever
from ingestion.worker import Worker
from rag.backends.local import LocalBackend
from rag.domain.answers import Answer, AnswerRequest, AnswerStatus
from rag.domain.documents import Document, DocumentStatus
from rag.domain.pages import every
from rag.domain.search import SearchRequest
from rag.settings import DatabaseSettings, EmbeddingSettings, GenerationSettings

EXAMPLES = Path(__file__).parents[2] / "examples" / "documents"
WORDS = sorted({word for path in EXAMPLES.rglob("*.md") for word in path.read_text().split()})


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalBackend]:
    data_dir = tmp_path_factory.mktemp("examples")
    shutil.copytree(EXAMPLES, data_dir / "documents" / "examples")
    backend = LocalBackend(
        data_dir,
        database=DatabaseSettings(url=None),
        embedding=EmbeddingSettings(embedding="wordllama"),
        generation=GenerationSettings(generation="extractive"),
    )
    worker = Worker(backend, threads=0, max_document_bytes=50_000_000)
    worker.reconcile()
    while worker.work_once():
        pass
    yield backend
    backend.close()


def documents(library: LocalBackend) -> list[Document]:
    store = library.store.tenant("local").documents
    return list(every(partial(store.list, "examples")))


def ask(library: LocalBackend, question: str) -> Answer:
    store = library.store.tenant("local")
    answerer = Answerer(
        store=store,
        retriever=Retriever(store=store, embedder=library.embedder),
        generator=library.generator,
    )
    search = SearchRequest(query=question, collections=("examples",))
    return answerer.answer(AnswerRequest(search=search))


def test_every_example_is_ready(library: LocalBackend) -> None:
    files = {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*") if path.is_file()}
    found = documents(library)
    assert {document.key for document in found} == files
    assert {document.status for document in found} == {DocumentStatus.READY}
    assert {document.key: document.language for document in found} == {key: key[:2] for key in files}


def test_every_chunk_is_an_exact_span(library: LocalBackend) -> None:
    store = library.store.tenant("local").documents
    for document in documents(library):
        text = store.text(document.id)
        chunks = list(every(partial(store.chunks, document.id)))
        assert len(chunks) == document.chunk_count > 0
        for chunk in chunks:
            assert text[chunk.locator.start : chunk.locator.end] == chunk.text


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join))
def test_every_citation_quotes_its_document_exactly(library: LocalBackend, question: str) -> None:
    answer = ask(library, question)
    store = library.store.tenant("local").documents
    for citation in answer.citations:
        source = citation.source
        assert store.text(source.document_id)[source.start : source.end] == citation.quote
    assert bool(answer.citations) == (answer.status is AnswerStatus.ANSWERED)


@pytest.mark.parametrize(
    ("question", "key", "quoted"),
    [
        (
            "Qual é a multa se a contratante rescindir o contrato sem motivo nos primeiros 24 meses?",
            "pt/contrato-de-prestacao-de-servicos.pdf",
            "multa de 20 % (vinte por cento)",
        ),
        (
            "How fast is the first response to a P1 ticket on the plan Copa?",
            "en/support-sla.docx",
            "within 15 minutes",
        ),
        ("Qual é o limite de transferência por Pix à noite?", "pt/perguntas-frequentes.html", "1.000,00"),
        ("How long does Jaburana keep an idempotency key?", "en/api-guide.md", "24 hours"),
    ],
)
def test_questions_of_the_demonstration(library: LocalBackend, question: str, key: str, quoted: str) -> None:
    answer = ask(library, question)
    assert answer.status is AnswerStatus.ANSWERED
    assert answer.unsupported == ()
    assert any(citation.source.key == key and quoted in citation.quote for citation in answer.citations)


@pytest.mark.parametrize(
    "question",
    [
        "Which telescope took the first photograph of a black hole?",
        "Por quantos minutos se cozinha um ovo para a gema ficar mole?",
    ],
)
def test_foreign_questions_are_not_answered(library: LocalBackend, question: str) -> None:
    answer = ask(library, question)
    assert (answer.status, answer.citations) == (AnswerStatus.INSUFFICIENT_EVIDENCE, ())
