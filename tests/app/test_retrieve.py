"""Retrieval over the real store."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from app.retrieve import Retriever
from rag.domain.documents import EmbeddingModel, NewCollection
from rag.domain.search import Passage, SearchMode, SearchRequest
from rag.errors import (
    AcervoError,
    CollectionNotFound,
    EmbeddingModelMismatch,
    ModelResponseInvalid,
    ModelUnavailable,
    RerankerRequired,
    Throttled,
)
from tests.doubles.library import Library

REFUNDS = "Refunds are paid within five working days to the card that was charged."
HOLIDAYS = "Every employee has thirty days of paid holidays a year."


@dataclass(frozen=True, kw_only=True)
class ShortestFirst:
    """Prefers short passages."""

    model_id: str = "shortest-first"

    def rerank(self, query: str, passages: Sequence[Passage]) -> list[float]:
        assert query
        return [1 / len(passage.text) for passage in passages]


@pytest.fixture
def filled(library: Library) -> Library:
    library.add("refunds.txt", REFUNDS)
    library.add("holidays.txt", HOLIDAYS, collection="people")
    return library


def _retriever(library: Library) -> Retriever:
    return Retriever(store=library.store, embedder=library.backend.embedder)


def _keys(passages: Sequence[Passage]) -> list[str]:
    return [passage.document.key for passage in passages]


@pytest.mark.parametrize("mode", list(SearchMode))
def test_finds_in_every_mode(filled: Library, mode: SearchMode) -> None:
    retrieved = _retriever(filled).retrieve(SearchRequest(query="when are refunds paid?", mode=mode))
    assert _keys(retrieved.passages)[0] == "refunds.txt"
    assert set(retrieved.timings_ms) == {"embed", "retrieve", "rerank", "total"}


def test_searches_the_named_collections_only(filled: Library) -> None:
    request = SearchRequest(query="refunds", collections=("people", "people"))
    assert _keys(_retriever(filled).retrieve(request).passages) == ["holidays.txt"]


def test_an_unknown_collection_is_an_error(filled: Library) -> None:
    with pytest.raises(CollectionNotFound):
        _retriever(filled).retrieve(SearchRequest(query="refunds", collections=("handbook", "none")))


def test_without_collections_nothing_is_found(library: Library) -> None:
    assert _retriever(library).retrieve(SearchRequest(query="refunds")).passages == ()


def test_another_embedding_model_is_an_error_unless_words_alone_count(filled: Library) -> None:
    other = EmbeddingModel(id="other", dimensions=3)
    filled.store.collections.create(NewCollection(name="foreign", embedding=other))
    with pytest.raises(EmbeddingModelMismatch, match=r"other \(3 dimensions\)"):
        _retriever(filled).retrieve(SearchRequest(query="refunds"))
    by_words = SearchRequest(query="refunds", mode=SearchMode.KEYWORD)
    assert _keys(_retriever(filled).retrieve(by_words).passages) == ["refunds.txt"]


def test_top_k_and_min_score_cut(filled: Library) -> None:
    retriever = _retriever(filled)
    both = retriever.retrieve(SearchRequest(query="refunds paid")).passages
    assert len(both) == 2
    assert retriever.retrieve(SearchRequest(query="refunds paid", top_k=1)).passages == both[:1]
    between = (both[0].score + both[1].score) / 2
    assert retriever.retrieve(SearchRequest(query="refunds paid", min_score=between)).passages == both[:1]


def test_a_reranker_decides_and_its_score_counts(filled: Library) -> None:
    retriever = Retriever(store=filled.store, embedder=filled.backend.embedder, reranker=ShortestFirst())
    passages = retriever.retrieve(SearchRequest(query="refunds paid", rerank=True)).passages
    assert _keys(passages) == ["holidays.txt", "refunds.txt"]
    assert [p.score for p in passages] == [p.scores["rerank"] for p in passages]
    plain = retriever.retrieve(SearchRequest(query="refunds paid")).passages
    assert _keys(plain) == ["refunds.txt", "holidays.txt"]


def test_reranking_without_a_reranker_is_refused(filled: Library) -> None:
    with pytest.raises(RerankerRequired):
        _retriever(filled).retrieve(SearchRequest(query="refunds", rerank=True))


def test_neighbours_widen_passages_to_the_documents_own_text(library: Library) -> None:
    sections = [f"# Part {n}\n\n" + f"Section {n} speaks of subject number {n}. " * 40 for n in range(5)]
    document = library.add("long.md", "\n\n".join(sections))
    request = SearchRequest(query="subject number 2", top_k=1)
    narrow = _retriever(library).retrieve(request).passages[0]
    wide = (
        _retriever(library)
        .retrieve(SearchRequest(query="subject number 2", top_k=1, neighbors=1))
        .passages[0]
    )
    assert len(wide.text) > len(narrow.text)
    text = library.store.documents.text(document.id)
    assert text[wide.locator.start : wide.locator.end] == wide.text


@dataclass(frozen=True, kw_only=True)
class FailingReranker:
    error: Exception
    model_id: str = "failing"

    def rerank(self, query: str, passages: Sequence[Passage]) -> list[float]:
        del query, passages
        raise self.error


FAILURES = [ModelUnavailable("away"), Throttled("slow down"), ModelResponseInvalid("no scores")]


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: error.code)
def test_a_reranker_that_fails_is_an_error(filled: Library, error: AcervoError) -> None:
    reranker = FailingReranker(error=error)
    retriever = Retriever(store=filled.store, embedder=filled.backend.embedder, reranker=reranker)
    with pytest.raises(type(error)):
        retriever.retrieve(SearchRequest(query="refunds", rerank=True))


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: error.code)
def test_or_the_fused_order_with_a_mark_where_the_request_allows_it(
    filled: Library, error: AcervoError
) -> None:
    reranker = FailingReranker(error=error)
    retriever = Retriever(store=filled.store, embedder=filled.backend.embedder, reranker=reranker)
    request = SearchRequest(query="refunds", rerank=True, rerank_fallback=True, top_k=2)
    retrieved = retriever.retrieve(request)
    assert retrieved.rerank_failure == error.code
    assert retrieved.passages == _retriever(filled).retrieve(replace(request, rerank=False)).passages


def test_a_reranker_that_works_leaves_no_mark(filled: Library) -> None:
    retriever = Retriever(store=filled.store, embedder=filled.backend.embedder, reranker=ShortestFirst())
    request = SearchRequest(query="refunds", rerank=True, rerank_fallback=True)
    assert retriever.retrieve(request).rerank_failure is None
