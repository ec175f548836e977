"""Searches, passages and explanations over HTTP."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field

from app.schemas.common import WHOLE, CollectionName, Identifier, LongText, RequestModel, ResponseModel
from app.schemas.filters import FilterField
from rag.domain import search as domain


class SearchOptions(RequestModel):
    """What a search and an answer share."""

    collections: Annotated[
        list[CollectionName] | None,
        Field(min_length=1, max_length=100, description="All of them where absent"),
    ] = None
    mode: Literal["hybrid", "semantic", "keyword"] = "hybrid"
    top_k: Annotated[int, Field(ge=1, le=100), WHOLE] = 10
    filter: FilterField = None
    rerank: bool = False
    rerank_fallback: Annotated[
        bool,
        Field(description="Where the reranker fails: passages without it, and `rerank_failure` says why"),
    ] = False
    min_score: Annotated[float | None, Field(allow_inf_nan=False)] = None
    neighbors: Annotated[int, Field(ge=0, le=3), WHOLE] = 0

    def search_for(self, query: str) -> domain.SearchRequest:
        return domain.SearchRequest(
            query=query,
            collections=None if self.collections is None else tuple(self.collections),
            mode=domain.SearchMode(self.mode),
            top_k=self.top_k,
            filter=self.filter,
            rerank=self.rerank,
            rerank_fallback=self.rerank_fallback,
            min_score=self.min_score,
            neighbors=self.neighbors,
        )


class SearchBody(SearchOptions):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"query": "How long do refunds take?", "top_k": 5}]}
    )

    query: LongText

    def to_domain(self) -> domain.SearchRequest:
        return self.search_for(self.query)


class ExplainBody(SearchBody):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"query": "How long do refunds take?", "document": "handbook/policies/refunds.md"}]
        }
    )

    document: Annotated[Identifier, Field(max_length=1100, description="An id or `collection/key`")]


class Locator(ResponseModel):
    """Code points of the document's extracted text, half-open."""

    start: int
    end: int
    page: int | None = None
    heading: str | None = None


class PassageDocument(ResponseModel):
    id: str
    key: str
    title: str | None
    version: int
    collection: str
    metadata: Mapping[str, Any]


class Passage(ResponseModel):
    """`scores` and `ranks` by leg: semantic, keyword, rerank.

    `suspicious`: the text reads like orders to a model; only looked for where a model is to read it.
    """

    chunk_id: str
    document: PassageDocument
    text: str
    language: str
    locator: Locator
    score: float
    scores: Mapping[str, float]
    ranks: Mapping[str, int]
    suspicious: bool = False


class SearchResponse(ResponseModel):
    """`rerank_failure`: the code of the error for which the passages are not reranked; null otherwise."""

    data: list[Passage]
    timings_ms: Mapping[str, float]
    rerank_failure: str | None

    @classmethod
    def from_domain(cls, retrieved: domain.Retrieved) -> Self:
        passages = [Passage.of(passage) for passage in retrieved.passages]
        return cls(data=passages, timings_ms=retrieved.timings_ms, rerank_failure=retrieved.rerank_failure)


class Reason(ResponseModel):
    code: str
    detail: str


class ExplainResponse(ResponseModel):
    """`rank` counts from 1 among the results."""

    found: bool
    rank: int | None
    reasons: list[Reason]
