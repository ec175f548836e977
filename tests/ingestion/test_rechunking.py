"""New chunking reaches every document in the background; readers always see one whole build of each."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from threading import Event, Thread

import pytest

from ingestion.outcome import MAX_ATTEMPTS
from rag.adapters.postgres.store import PostgresStore
from rag.domain.documents import Attributes, Chunking, ChunkingStrategy, DocumentStatus, NewCollection
from rag.domain.pages import PageRequest
from rag.domain.search import Passage, SearchMode, SearchRequest
from rag.errors import ModelUnavailable
from tests.doubles.counting_embedder import Killed
from tests.ingestion.write_path import WritePath
from tests.rag.adapters.postgres.builders import LEASE

SMALL = Chunking(max_tokens=12)
WHOLE = Chunking(strategy=ChunkingStrategy.WHOLE)


@pytest.fixture
def path(store: PostgresStore, tmp_path: Path) -> WritePath:
    path = WritePath(store, tmp_path)
    path.tenant.collections.create(NewCollection(name="notes", embedding=path.embedder.model, chunking=SMALL))
    return path


def text_of(key: str, sentences: int = 10) -> str:
    return " ".join(f"Sentence {number} of {key} has eight plain words." for number in range(sentences))


def rechunk(path: WritePath, chunking: Chunking) -> int:
    """How many documents are outdated then."""
    return path.tenant.collections.update("notes", chunking=chunking).outdated_count


def outdated(path: WritePath) -> int:
    return path.tenant.collections.get("notes").outdated_count


def chunks_of(path: WritePath, key: str) -> Sequence[Passage]:
    return path.tenant.documents.chunks(path.document(key).id, PageRequest(limit=100)).items


def found(path: WritePath) -> list[Passage]:
    """What a search for a word of every chunk finds."""
    request = SearchRequest(query="plain", collections=("notes",), mode=SearchMode.KEYWORD, top_k=100)
    index = path.tenant.index
    found = index.search(
        request,
        collections=index.collections(["notes"]),
        vector=None,
        semantic_weight=0.0,
        depth=100,
        limit=100,
    )
    return [*found.passages]


def test_every_document_is_cut_anew_and_searchable_meanwhile(path: WritePath) -> None:
    for key in ("a.txt", "b.txt"):
        path.drop(key, text_of(key))
    path.run()
    before = {key: chunks_of(path, key) for key in ("a.txt", "b.txt")}
    assert {len(chunks) for chunks in before.values()} == {10}
    assert rechunk(path, WHOLE) == 2
    assert path.document("a.txt").status is DocumentStatus.READY
    assert len(found(path)) == 20

    work = path.tenant.ledger.claim(LEASE)
    assert work is not None
    assert path.document(work.key).status is DocumentStatus.PROCESSING
    assert chunks_of(path, work.key) == before[work.key]
    assert len(found(path)) == 20
    path.pipeline.process(path.tenant.ledger, work)
    assert len(found(path)) == 11
    assert outdated(path) == 1

    assert path.work_off() == 1
    assert outdated(path) == 0
    assert [len(chunks_of(path, key)) for key in before] == [1, 1]
    assert {path.document(key).version for key in before} == {1}
    assert path.history("a.txt") == ["accepted", "ready", "outdated", "ready"]
    assert path.work_off() == 0


def test_the_same_chunking_outdates_nothing(path: WritePath) -> None:
    path.drop("a.txt", text_of("a"))
    path.run()
    assert rechunk(path, Chunking(max_tokens=12)) == 0
    path.tenant.collections.update("notes", description="New words, the same chunks.")
    assert path.work_off() == 0


def test_chunks_of_the_same_text_are_not_paid_again(path: WritePath) -> None:
    path.drop("a.md", "\n\n".join(f"# Part {n}\n\n{text_of(str(n), 1)}" for n in range(20)))
    path.run()
    paid = len(path.embedder.embedded)
    rechunk(path, Chunking(max_tokens=40))
    path.work_off()
    assert path.document("a.md").chunk_count == paid == len(path.embedder.embedded) == 20


def test_going_back_costs_nothing_where_nothing_was_cut_anew_yet(path: WritePath) -> None:
    path.drop("a.txt", text_of("a"))
    path.run()
    rechunk(path, WHOLE)
    rechunk(path, SMALL)
    path.embedder.embedded.clear()
    assert path.work_off() == 1
    assert (outdated(path), path.embedder.embedded) == (0, [])
    assert path.history("a.txt")[-1] == "unchanged"


def test_what_is_new_does_not_wait_for_what_is_outdated(path: WritePath) -> None:
    for number in range(3):
        path.drop(f"{number}.txt", text_of(str(number)))
    path.run()
    rechunk(path, WHOLE)
    event = path.drop("new.txt", text_of("new"))
    path.tenant.ledger.accept(event, path.tenant.collections.get("notes"))
    work = path.tenant.ledger.claim(LEASE)
    assert work is not None
    assert work.key == "new.txt"


def test_a_search_never_mixes_builds(path: WritePath) -> None:
    keys = [f"{number}.txt" for number in range(12)]
    for key in keys:
        path.drop(key, text_of(key, 5))
    path.run()
    ended = Event()
    worker = Thread(target=_rechunk_three_times, args=(path, ended))
    worker.start()
    looks = 0
    while not ended.is_set():
        passages = found(path)
        for key in keys:
            spans = sorted((p.locator.start, p.text) for p in passages if p.document.key == key)
            assert " ".join(text for _, text in spans) == text_of(key, 5)
        looks += 1
    worker.join()
    assert looks > 3
    assert {len(chunks_of(path, key)) for key in keys} == {1}


def _rechunk_three_times(path: WritePath, ended: Event) -> None:
    try:
        for chunking in (WHOLE, SMALL, WHOLE):
            rechunk(path, chunking)
            path.work_off()
    finally:
        ended.set()


def test_a_document_whose_original_is_gone_keeps_its_chunks_and_says_why(path: WritePath) -> None:
    path.drop("a.txt", text_of("a"))
    path.run()
    before = chunks_of(path, "a.txt")
    path.source.remove("local", "notes", "a.txt")
    rechunk(path, WHOLE)
    for _ in range(2):
        assert path.work_off() == 1
        document = path.document("a.txt")
        assert document.status is DocumentStatus.FAILED
        assert document.failure is not None
        assert document.failure.code == "source_object_not_found"
        assert chunks_of(path, "a.txt") == before
        assert len(found(path)) == 10
        assert outdated(path) == 1
        path.tenant.documents.retry(document.id)
    path.run()  # the folder is compared: the document goes with its file
    assert path.tenant.documents.list("notes", PageRequest()).items == ()


def test_a_model_that_fails_leaves_the_old_chunks(path: WritePath) -> None:
    path.drop("a.txt", text_of("a"))
    path.run()
    rechunk(path, WHOLE)
    path.embedder.failing = ModelUnavailable("The model server does not answer.")
    for _ in range(MAX_ATTEMPTS):
        assert path.work_off() == 1
        path.hurry()
    assert path.document("a.txt").status is DocumentStatus.FAILED
    assert len(chunks_of(path, "a.txt")) == 10
    path.embedder.failing = None
    path.tenant.documents.retry(path.document("a.txt").id)
    path.work_off()
    assert (len(chunks_of(path, "a.txt")), outdated(path)) == (1, 0)


def test_a_killed_worker_s_work_is_taken_up_and_paid_once(path: WritePath) -> None:
    path.tenant.collections.update("notes", chunking=WHOLE)
    path.drop("a.txt", text_of("a", 40))
    path.run()
    rechunk(path, SMALL)
    path.embedder.embedded.clear()
    path.embedder.kill_in_call = 3
    with pytest.raises(Killed):
        path.work_off()
    assert len(chunks_of(path, "a.txt")) == 1
    assert path.work_off() == 0
    path.hurry()
    assert path.work_off() == 1
    assert len(chunks_of(path, "a.txt")) == 40
    assert len(path.embedder.embedded) == 40


def test_chunking_that_changes_during_the_work_is_applied_afterwards(path: WritePath) -> None:
    path.drop("a.txt", text_of("a"))
    path.run()
    rechunk(path, WHOLE)
    work = path.tenant.ledger.claim(LEASE)
    assert work is not None
    rechunk(path, Chunking(max_tokens=24))
    path.pipeline.process(path.tenant.ledger, work)
    assert (len(chunks_of(path, "a.txt")), outdated(path)) == (1, 1)
    path.work_off()
    assert (len(chunks_of(path, "a.txt")), outdated(path)) == (5, 0)


def test_a_first_version_in_the_works_is_outdated_when_it_is_published(path: WritePath) -> None:
    path.tenant.ledger.accept(path.drop("a.txt", text_of("a")), path.tenant.collections.get("notes"))
    work = path.tenant.ledger.claim(LEASE)
    assert work is not None
    assert rechunk(path, WHOLE) == 0
    path.pipeline.process(path.tenant.ledger, work)
    assert outdated(path) == 1
    path.work_off()
    assert (len(chunks_of(path, "a.txt")), outdated(path)) == (1, 0)


@pytest.mark.parametrize("deleted", [False, True])
def test_an_event_overtakes_the_work(path: WritePath, *, deleted: bool) -> None:
    path.drop("a.txt", text_of("a"))
    path.run()
    rechunk(path, WHOLE)
    work = path.tenant.ledger.claim(LEASE)
    assert work is not None
    remove = partial(path.source.remove, "local", "notes", "a.txt")
    event = remove() if deleted else path.drop("a.txt", text_of("other"))
    path.tenant.ledger.accept(event, work.collection)
    path.pipeline.process(path.tenant.ledger, work)
    path.work_off()
    texts = [passage.text for passage in found(path)]
    assert texts == ([] if deleted else [text_of("other")])
    if not deleted:
        assert path.document("a.txt").version == 2


def test_other_bytes_than_those_of_the_version_are_a_new_version(path: WritePath) -> None:
    """The event that would tell of them is lost or still to come."""
    path.drop("a.txt", text_of("a"))
    path.run()
    path.drop("a.txt", text_of("changed"), Attributes(title="Changed"))
    rechunk(path, WHOLE)
    path.work_off()
    document = path.document("a.txt")
    assert (document.version, document.title) == (2, "Changed")
    assert [passage.text for passage in found(path)] == [text_of("changed")]
    path.run()
    assert path.document("a.txt").version == 2
