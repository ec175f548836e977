"""A second embedding model beside the one that serves: nothing is mixed, lost or paid for twice."""

import math
from collections.abc import Callable, Sequence
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from app.retrieve import Retriever
from ingestion.attempt import LEASE
from ingestion.pipeline import Pipeline
from ingestion.reconcile import reconcile
from ingestion.reembed import reembed_once
from ingestion.reembedding import ReembeddingAdministration
from rag.adapters.folder import FolderSource
from rag.adapters.postgres import keyword_index, vector_index
from rag.adapters.postgres.store import PostgresStore, PostgresTenantStore
from rag.domain.content import Vector
from rag.domain.documents import Attributes, Chunking, NewCollection
from rag.domain.filters import Comparison
from rag.domain.reembedding import ReembeddingStatus
from rag.domain.search import SearchMode, SearchRequest
from rag.errors import (
    ChunksTooLong,
    EmbeddingModelMismatch,
    ModelUnavailable,
    ReembeddingConflict,
    ReembeddingNotFound,
    SettingInvalid,
)
from tests.doubles.counting_embedder import GROUP, CountingEmbedder, Killed
from tests.doubles.write_backend import WriteBackend

DOCUMENTS = 12
QUERY = "paragraph about subject7"
Found = list[tuple[str, float]]


class Reversed(CountingEmbedder):
    """Other weights and dimensions for the same words: a vector of the wrong model shows in a score."""

    def embed_query(self, text: str) -> Vector:
        values = [value**2 for value in super().embed_query(text)][::-1]
        return [value / math.hypot(*values) for value in values]


class Library:
    """A folder and a worker that knows two models."""

    def __init__(self, store: PostgresStore, root: Path, *, max_tokens: int | None = None) -> None:
        self.store = store
        self.tenant: PostgresTenantStore = store.tenant("local")
        self.first = CountingEmbedder("first")
        self.second = Reversed("second", max_tokens=max_tokens)
        self.backend = WriteBackend(
            store=store,
            source=FolderSource(root),
            embedder=self.first,
            other_embedders=(lambda: self.second,),
        )
        self.pipeline = self.worker()
        self.administration = ReembeddingAdministration(
            backend=self.backend, tenant="local", max_document_bytes=100_000
        )

    def worker(self, *others: Callable[[], CountingEmbedder]) -> Pipeline:
        return Pipeline(
            source=self.backend.source,
            embedder=self.first,
            other_embedders=others or self.backend.other_embedders,
            max_document_bytes=100_000,
        )

    def drop(self, key: str, text: str, collection: str = "notes", **attributes: Any) -> None:
        body = BytesIO(text.encode())
        self.backend.source.put("local", collection, key, body, Attributes(**attributes))

    def documents(self) -> None:
        """Whatever was dropped becomes searchable."""
        reconcile(store=self.store, source=self.backend.source, embedder=self.first)
        while work := self.tenant.ledger.claim(LEASE):
            self.pipeline.process(self.tenant.ledger, work)

    def start(self) -> None:
        self.administration.start("notes", "second", None, lambda _: None)

    def step(self) -> bool:
        return reembed_once(self.tenant, self.pipeline)

    def complete(self) -> None:
        while self.step():
            pass

    def find(
        self,
        collection: str = "notes",
        mode: SearchMode = SearchMode.SEMANTIC,
        condition: Comparison | None = None,
    ) -> Found:
        retriever = Retriever(
            store=self.tenant, embedder=self.first, other_embedders=self.backend.other_embedders
        )
        request = SearchRequest(query=QUERY, collections=(collection,), mode=mode, top_k=50, filter=condition)
        passages = retriever.retrieve(request).passages
        return sorted((passage.document.key, round(passage.score, 3)) for passage in passages)

    def indexes(self) -> list[Any]:
        return self.rows("SELECT indexname FROM pg_indexes WHERE indexname LIKE 'vectors%'")

    def rows(self, query: str) -> list[Any]:
        with self.tenant._session.transaction() as connection:  # noqa: SLF001 - rows that no port shows
            return [tuple(row.values()) for row in connection.execute(query.encode())]

    def execute(self, statement: str) -> None:
        with self.tenant._session.transaction() as connection:  # noqa: SLF001 - a clock to set forward
            connection.execute(statement.encode())

    def assert_whole(self, *models: str) -> None:
        """Searchable chunks have a vector of each of these models, and no vector is without its chunk."""
        chunks = self.rows("SELECT chunk_id FROM documents JOIN chunks USING (tenant_id, document_id, build)")
        vectors = self.rows("SELECT chunk_id, model FROM chunk_embeddings")
        assert sorted(vectors) == sorted((chunk, model) for (chunk,) in chunks for model in models)


@pytest.fixture
def library(store: PostgresStore, tmp_path: Path) -> Library:
    made = Library(store, tmp_path)
    for number in range(DOCUMENTS):
        made.drop(f"{number:02}.txt", f"A paragraph about subject{number} and of nothing else.")
    made.documents()
    return made


def twin(library: Library) -> Found:
    """What a collection finds that never had another model than the second."""
    new = NewCollection(name="twin", embedding=library.second.model)
    library.tenant.collections.ensure(new)
    for number in range(DOCUMENTS):
        library.drop(f"{number:02}.txt", f"A paragraph about subject{number} and of nothing else.", "twin")
    library.documents()
    return library.find("twin")


def test_from_one_model_to_the_other_and_back(library: Library) -> None:
    before = library.find()
    library.start()
    assert library.find() == before
    with pytest.raises(ReembeddingConflict, match="12 of 12 chunks still lack"):
        library.administration.switch("notes")
    library.complete()
    library.assert_whole("first", "second")
    assert library.find() == before
    state = library.administration.switch("notes")
    assert (state.status, state.serving.id, state.other.id) == ("switched", "second", "first")
    after = library.find()
    assert after != before
    assert after == twin(library)
    assert library.administration.roll_back("notes").serving.id == "first"
    assert library.find() == before
    library.administration.switch("notes")
    library.administration.confirm("notes")
    assert library.find() == after
    assert library.tenant.collections.get("notes").embedding == library.second.model


@pytest.mark.parametrize("mode", SearchMode)
def test_every_chunk_is_found_once_while_there_are_two_models(library: Library, mode: SearchMode) -> None:
    library.start()
    library.complete()
    assert [key for key, _ in library.find(mode=mode)] == sorted({key for key, _ in library.find(mode=mode)})
    library.administration.switch("notes")
    assert len(library.find(mode=mode)) == len({key for key, _ in library.find(mode=mode)}) > 0


def test_what_is_complete_names_no_document(library: Library) -> None:
    place = "SELECT document_id, ordinal FROM reembeddings"
    library.start()
    library.complete()
    assert library.rows(place) == [("", -1)]
    library.administration.switch("notes")
    assert library.rows(place) == [("", -1)]


def test_vectors_go_a_while_after_they_are_given_up(library: Library) -> None:
    library.start()
    library.complete()
    library.administration.switch("notes")
    library.administration.confirm("notes")
    library.complete()
    library.assert_whole("first", "second")
    library.execute("UPDATE reembeddings SET offered_at = now()")
    library.complete()
    library.assert_whole("second")
    with pytest.raises(ReembeddingNotFound):
        library.administration.status("notes")


def test_the_new_model_is_given_up_and_tried_again(library: Library) -> None:
    library.start()
    library.complete()
    library.administration.cancel("notes")
    with pytest.raises(ReembeddingConflict, match="discarding"):
        library.start()
    library.execute("UPDATE reembeddings SET offered_at = now()")
    library.complete()
    library.assert_whole("first")
    library.start()
    library.complete()
    library.assert_whole("first", "second")


def test_a_killed_worker_s_successor_goes_on_where_it_was(store: PostgresStore, tmp_path: Path) -> None:
    library = Library(store, tmp_path)
    library.tenant.collections.ensure(NewCollection(name="notes", embedding=library.first.model))
    for number in range(3 * GROUP):
        library.drop(f"{number}.txt", f"Subject{number}.")
    library.documents()
    library.start()
    library.second.kill_in_call = 3
    with pytest.raises(Killed):
        library.step()
    assert library.administration.status("notes").embedded == 2 * GROUP
    assert not library.step(), "until the lease ends nobody else takes it up"
    library.execute("UPDATE reembeddings SET lease_until = now() - interval '1 s'")
    library.complete()
    library.assert_whole("first", "second")
    assert len(library.second.embedded) == len(set(library.second.embedded)) == 3 * GROUP


def test_documents_come_change_and_go_meanwhile(library: Library) -> None:
    library.start()
    library.drop("00.txt", "Another text about subject0.")
    library.drop("new.txt", "Something new about subject7.")
    library.backend.source.remove("local", "notes", "01.txt")
    library.documents()
    library.complete()
    library.assert_whole("first", "second")
    library.administration.switch("notes")
    library.drop("newer.txt", "Something newer about subject7.")
    library.drop("02.txt", "Another text about subject2.")
    library.backend.source.remove("local", "notes", "03.txt")
    library.documents()
    library.assert_whole("first", "second")
    library.administration.roll_back("notes")
    keys = {key for key, _ in library.find()}
    assert {"new.txt", "newer.txt", "00.txt", "02.txt"} <= keys
    assert not {"01.txt", "03.txt"} & keys


def test_a_document_in_the_making_gets_the_vectors_that_are_needed_when_it_is_published(
    library: Library,
) -> None:
    class Switching(CountingEmbedder):
        """While this document is embedded, the collection moves on to the other model."""

        def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
            vectors = super().embed_documents(texts)
            library.start()
            library.complete()
            library.administration.switch("notes")
            return vectors

    library.drop("late.txt", "A late paragraph about subject7.")
    library.pipeline = Pipeline(
        source=library.backend.source,
        embedder=Switching("first"),
        other_embedders=library.backend.other_embedders,
        max_document_bytes=100_000,
    )
    library.documents()
    library.assert_whole("first", "second")
    assert "late.txt" in {key for key, _ in library.find()}


def test_searches_see_one_model_or_the_other_at_any_moment(library: Library) -> None:
    library.start()
    library.complete()
    before = library.find()
    library.administration.switch("notes")
    after = library.find()
    stop = Event()
    seen: list[Found] = []

    def search() -> None:
        while not stop.is_set():
            seen.append(library.find())

    threads = [Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        library.administration.roll_back("notes")
        library.administration.switch("notes")
    stop.set()
    for thread in threads:
        thread.join()
    assert seen
    assert [found for found in seen if found not in (before, after)] == []


def test_a_model_that_is_away_is_told_and_tried_again(library: Library) -> None:
    library.start()
    library.second.failing = ModelUnavailable("nobody answers")
    assert not library.step()
    assert "nobody answers" in (library.administration.status("notes").failure or "")
    library.second.failing = None
    assert not library.step(), "not at once"
    library.execute("UPDATE reembeddings SET offered_at = now()")
    library.complete()
    assert library.administration.status("notes").failure is None
    library.assert_whole("first", "second")


def test_a_worker_that_does_not_know_the_model_says_so(library: Library) -> None:
    library.start()
    library.pipeline = library.worker(lambda: CountingEmbedder("third"))
    assert not library.step()
    failure = library.administration.status("notes").failure or ""
    assert "second (8 dimensions)" in failure
    assert "ACERVO_EMBEDDING_OTHERS" in failure
    library.pipeline = library.worker()
    library.execute("UPDATE reembeddings SET offered_at = now()")
    library.complete()
    library.administration.switch("notes")
    retriever = Retriever(store=library.tenant, embedder=library.first)
    with pytest.raises(EmbeddingModelMismatch, match="second"):
        retriever.retrieve(SearchRequest(query=QUERY, collections=("notes",)))


def test_a_model_must_be_configured_with_these_dimensions(library: Library) -> None:
    for model, dimensions in (("third", None), ("second", 16)):
        with pytest.raises(SettingInvalid, match=r"second \(8 dimensions\)"):
            library.administration.start("notes", model, dimensions, lambda _: None)
    with pytest.raises(ReembeddingConflict, match="already"):
        library.administration.start("notes", "first", None, lambda _: None)
    library.administration.start("notes", "second", 8, lambda _: None)


def test_chunks_that_the_model_would_not_read_whole_are_an_error_before_anything_begins(
    store: PostgresStore, tmp_path: Path
) -> None:
    library = Library(store, tmp_path, max_tokens=20)
    library.tenant.collections.ensure(NewCollection(name="notes", embedding=library.first.model))
    library.drop("long.txt", " ".join(f"word{number}" for number in range(30)))
    library.drop("short.txt", "A few words.")
    library.documents()
    with pytest.raises(ChunksTooLong, match=r"reads 20 tokens .* 1 of the 2 chunks .* up to 3\d"):
        library.start()
    with pytest.raises(ReembeddingNotFound):
        library.administration.status("notes")


def test_chunks_made_meanwhile_are_short_enough_for_both(store: PostgresStore, tmp_path: Path) -> None:
    class Verbose(Reversed):
        def count_tokens(self, texts: Sequence[str]) -> list[int]:
            return [4 * count for count in super().count_tokens(texts)]

    library = Library(store, tmp_path)
    library.second = Verbose("second", max_tokens=400)
    chunking = Chunking(max_tokens=200)
    library.tenant.collections.ensure(
        NewCollection(name="notes", embedding=library.first.model, chunking=chunking)
    )
    library.start()
    sentences = "\n\n".join(f"Sentence {number} says a few words about it." for number in range(60))
    library.drop("long.txt", sentences)
    library.documents()
    library.assert_whole("first", "second")
    assert max(library.second.count_tokens(library.second.embedded)) <= 200


def test_a_title_of_later_days_does_not_hide_what_was_embedded(library: Library) -> None:
    library.drop("titled.txt", "Words below.", title="Old title")
    library.documents()
    library.drop("titled.txt", "Words below.", title="New title")
    library.documents()
    library.start()
    library.complete()
    assert [text for text in library.second.embedded if "below" in text] == ["New title\n\nWords below."]


def test_a_collection_that_is_deleted_takes_its_second_model_along(library: Library) -> None:
    library.start()
    library.step()
    library.backend.source.remove_collection("local", "notes")
    library.tenant.collections.delete("notes")
    library.documents()
    library.complete()
    assert library.rows("SELECT * FROM chunk_embeddings") == []
    assert library.rows("SELECT * FROM reembeddings") == []


def test_a_search_over_collections_of_two_models_says_what_to_do(library: Library) -> None:
    twin(library)
    retriever = Retriever(
        store=library.tenant, embedder=library.first, other_embedders=library.backend.other_embedders
    )
    with pytest.raises(EmbeddingModelMismatch, match="Name collections of one model"):
        retriever.retrieve(SearchRequest(query=QUERY))
    found = retriever.retrieve(SearchRequest(query=QUERY, mode=SearchMode.KEYWORD, top_k=100))
    assert {passage.document.collection for passage in found.passages} == {"notes", "twin"}


def test_a_step_ends_in_time(library: Library) -> None:
    library.start()
    left = iter([0.0])
    assert reembed_once(library.tenant, library.pipeline, remaining=lambda: next(left))
    assert library.administration.status("notes").status is ReembeddingStatus.EMBEDDING
    library.complete()
    library.assert_whole("first", "second")


def test_nothing_is_due_twice(library: Library) -> None:
    assert library.tenant.reembedding.claim(timedelta(seconds=1)) is None
    library.start()
    assert library.tenant.reembedding.claim(timedelta(seconds=30)) is not None
    assert library.tenant.reembedding.claim(timedelta(seconds=30)) is None


def test_with_posting_lists_and_vector_indexes_nothing_is_mixed_either(library: Library) -> None:
    """As in a collection that is large enough for them."""
    before = library.find()
    collection = library.tenant.collections.get("notes").id
    library.start()
    with library.tenant._session.transaction() as connection:  # noqa: SLF001 - due only in large ones
        keyword_index.fold(connection, "local", collection)
        vector_index.ensure(connection, collection, worthwhile=1)
        vector_index.ensure_other(connection, collection, library.second.model, worthwhile=1)
    assert len(library.indexes()) == 2
    library.complete()
    assert library.find() == before
    library.administration.switch("notes")
    after = library.find()
    assert after == twin(library)
    only = Comparison(field="key", op="lt", value="06.txt")
    assert library.find(condition=only) == [each for each in after if each[0] < "06.txt"]
    library.administration.confirm("notes")
    library.execute("UPDATE reembeddings SET offered_at = now()")
    library.complete()
    assert len(library.indexes()) == 1
    assert library.find() == after
