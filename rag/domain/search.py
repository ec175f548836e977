"""A search, its passages and what the collections say about the query's terms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from rag.domain.documents import EmbeddingModel, Metadata
from rag.domain.filters import Filter


class SearchMode(StrEnum):
    HYBRID = "hybrid"
    SEMANTIC = "semantic"
    KEYWORD = "keyword"


@dataclass(frozen=True, kw_only=True)
class SearchRequest:
    """`collections` None means all of the tenant's.

    `rerank_fallback`: where the reranker fails, passages come as they were fused, and the result says so.
    """

    query: str
    collections: tuple[str, ...] | None = None
    mode: SearchMode = SearchMode.HYBRID
    top_k: int = 10
    filter: Filter | None = None
    rerank: bool = False
    rerank_fallback: bool = False
    min_score: float | None = None
    neighbors: int = 0


@dataclass(frozen=True, kw_only=True)
class SearchedCollection:
    """What a search has to know of a collection.

    `languages`: those of its documents. `folded`: there are posting lists of it.
    """

    id: str
    name: str
    embedding: EmbeddingModel
    languages: tuple[str, ...]
    folded: bool = False


@dataclass(frozen=True, kw_only=True)
class IndexStatus:
    """The search indexes of a collection.

    `waiting`: chunks, of all `chunks`, that the posting lists do not hold yet and that searches scan.
    `progress`: the share of the vector index that is made, None where none is being made. `automatic`:
    workers make a vector index when the collection has grown large enough.
    """

    collection: str
    chunks: int
    waiting: int
    segments: int
    vector_index: bool
    progress: float | None
    automatic: bool


@dataclass(frozen=True, kw_only=True)
class PassageDocument:
    id: str
    key: str
    title: str | None
    version: int
    collection: str
    metadata: Metadata


@dataclass(frozen=True, kw_only=True)
class Locator:
    """Where a passage stands in its document's text."""

    start: int
    end: int
    page: int | None = None
    page_breaks: tuple[int, ...] = ()
    heading: str | None = None

    def page_at(self, offset: int) -> int | None:
        if self.page is None:
            return None
        return self.page + sum(page_start <= offset for page_start in self.page_breaks)


@dataclass(frozen=True, kw_only=True)
class Passage:
    """`text` is the document's text from `locator.start` to `locator.end`, character for character.

    `scores` and `ranks` are keyed by leg: semantic (cosine), keyword (BM25), rerank. `suspicious`: the
    text reads like instructions to the model that is to read it.
    """

    chunk_id: str
    document: PassageDocument
    text: str
    language: str
    locator: Locator
    ordinal: int
    score: float = 0.0
    scores: Mapping[str, float] = field(default_factory=dict)
    ranks: Mapping[str, int] = field(default_factory=dict)
    suspicious: bool = False


@dataclass(frozen=True, kw_only=True)
class TermStatistics:
    """How common each analysed query term is: the raw material of inverse document frequency."""

    chunk_count: int = 0
    document_frequency: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """The best of each leg, every one scored in both, fused, best first."""

    passages: tuple[Passage, ...]
    terms: TermStatistics


@dataclass(frozen=True, kw_only=True)
class Retrieved:
    """Fused passages, best first. `timings_ms` has embed, retrieve, rerank and total.

    `rerank_failure` is the code of the error for which they were not reranked as they should have been.
    """

    passages: tuple[Passage, ...]
    terms: TermStatistics
    timings_ms: Mapping[str, float]
    rerank_failure: str | None = None
