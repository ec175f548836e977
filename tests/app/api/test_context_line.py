"""Title and heading path are embedded and searched with each passage, and are part of none that is shown."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import pytest

from ingestion.worker import Worker
from rag.backends.local import LocalBackend
from rag.domain.answers import (
    Claim,
    Completed,
    GenerationEvent,
    GenerativeModel,
    Prompt,
    TextDelta,
    Usage,
)
from rag.domain.content import Vector, VectorStream
from rag.domain.documents import EmbeddingModel
from rag.ports import Embedder, WatchedBackend, WatchedSource
from tests.app.api.serving import MAX_DOCUMENT_BYTES, Api, Overlaid, serving_backend

TITLE = "Perihelion manual"
PATH = "Perihelion manual › Astrolabe › Zenith"
SENTENCES = [f"Refund number {number} is paid within {number} days of the purchase." for number in range(90)]
TEXT = f"# Astrolabe\n\n## Zenith\n\n{' '.join(SENTENCES)}"


@dataclass(frozen=True, kw_only=True)
class ListeningEmbedder:
    """Notes the texts that the embedder below is given."""

    below: Embedder
    heard: list[str] = field(default_factory=list)

    @property
    def model(self) -> EmbeddingModel:
        return self.below.model

    @property
    def semantic_weight(self) -> float:
        return self.below.semantic_weight

    @property
    def max_tokens(self) -> int | None:
        return self.below.max_tokens

    def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        self.heard.extend(texts)
        return self.below.embed_documents(texts)

    def embed_stream(self, texts: Iterable[str]) -> VectorStream:
        with closing(self.below.embed_stream(self._noting(texts))) as stream:
            yield from stream

    def embed_query(self, text: str) -> Vector:
        return self.below.embed_query(text)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self.below.count_tokens(texts)

    def _noting(self, texts: Iterable[str]) -> Iterator[str]:
        for text in texts:
            self.heard.append(text)
            yield text


@dataclass(frozen=True, kw_only=True)
class Heard(Overlaid):
    base: WatchedBackend
    listening: ListeningEmbedder

    @property
    def source(self) -> WatchedSource:
        return self.base.source

    @property
    def embedder(self) -> Embedder:
        return self.listening


@dataclass(frozen=True, kw_only=True)
class Library:
    api: Api
    collection: str
    document_id: str
    embedded: Sequence[str]

    def found(self, path: str, **body: object) -> dict[str, object]:
        request = {"collections": [self.collection], "mode": "keyword", **body}
        answer: dict[str, object] = self.api.client.post(path, json=request).raise_for_status().json()
        return answer

    def text(self) -> str:
        path = f"/v1/documents/{self.document_id}/content"
        return self.api.client.get(path, params={"format": "text"}).text


@pytest.fixture(scope="module")
def library(api_backend: LocalBackend) -> Iterator[Library]:
    listening = ListeningEmbedder(below=api_backend.embedder)
    backend = Heard(base=api_backend, generator=api_backend.generator, listening=listening)
    worker = Worker(backend, threads=1, max_document_bytes=MAX_DOCUMENT_BYTES)
    with serving_backend(backend) as client:
        api = Api(client=client, backend=backend, worker=worker)
        name = api.collection()
        document = api.document(name, key="manual.md", title=TITLE, text=TEXT)
        # The worker takes what other tests of this process left behind, too.
        embedded = [text for text in listening.heard if "Refund number" in text]
        yield Library(api=api, collection=name, document_id=document["id"], embedded=embedded)


def test_the_embedder_is_given_title_and_heading_path(library: Library) -> None:
    chunks = library.api.client.get(f"/v1/documents/{library.document_id}/chunks").json()["data"]
    first, *others = [chunk["text"] for chunk in chunks]
    assert others
    assert list(library.embedded) == [f"{TITLE}\n\n{first}", *(f"{PATH}\n\n{text}" for text in others)]


def test_what_the_line_says_is_found_and_not_shown(library: Library) -> None:
    text = library.text()
    data = library.found("/v1/search", query="perihelion zenith", top_k=5, neighbors=1)["data"]
    assert isinstance(data, list)
    assert data
    for passage in data:
        assert TITLE not in passage["text"]
        assert text[passage["locator"]["start"] : passage["locator"]["end"]] == passage["text"]
    assert TITLE not in text
    assert text.count("Zenith") == 1


def test_no_citation_reaches_into_the_line(library: Library) -> None:
    answer = library.found("/v1/answers", question="When is refund number 80 of the Perihelion manual paid?")
    citations, text = answer["citations"], library.text()
    assert isinstance(citations, list)
    assert citations
    for citation in citations:
        assert TITLE not in citation["quote"]
        assert text[citation["source"]["start"] : citation["source"]["end"]] == citation["quote"]


@dataclass(frozen=True, kw_only=True)
class Quoting:
    """Proves its sentence with a quote of the first passage that is the context line."""

    model: GenerativeModel = field(default=GenerativeModel(id="quoting", generative=True))

    def generate(self, prompt: Prompt) -> Iterator[GenerationEvent]:
        assert prompt.passages
        sentence = "It is in the manual."
        yield TextDelta(text=sentence)
        yield Claim(start=0, end=len(sentence), passage=0, quote=PATH)
        yield Completed(usage=Usage(input_tokens=3, output_tokens=2))


def test_a_model_that_quotes_the_line_has_proved_nothing(library: Library, api_backend: LocalBackend) -> None:
    body = {"question": "Where are refunds explained?", "collections": [library.collection]}
    with serving_backend(Overlaid(base=api_backend, generator=Quoting())) as client:
        answer = client.post("/v1/answers", json=body).json()
    assert (answer["status"], answer["citations"]) == ("insufficient_evidence", [])
