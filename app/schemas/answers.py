"""Answers, summaries, feedback and conversations over HTTP."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from app.schemas.common import (
    CollectionName,
    Identifier,
    Language,
    LongText,
    MaxTokens,
    RequestModel,
    ResponseModel,
    ShortText,
    Text,
    without_default,
)
from app.schemas.filters import FilterField
from app.schemas.search import Passage, SearchOptions
from rag.domain import answers as domain

NEW_CONVERSATION = "new"
DEFAULT_MAX_TOKENS = 1024


class AnswerBody(SearchOptions):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"question": "Quanto tempo leva um reembolso?", "stream": False}]}
    )

    question: LongText
    style: Literal["answer", "summary"] = "answer"
    language: Language = "auto"
    model: ShortText | None = None
    conversation_id: Annotated[
        Identifier | None,
        Field(description=f'An id, or "{NEW_CONVERSATION}" to begin a conversation; null keeps none'),
    ] = None
    max_tokens: MaxTokens = DEFAULT_MAX_TOKENS
    stream: bool = False

    def to_domain(self, conversation_id: str | None) -> domain.AnswerRequest:
        return domain.AnswerRequest(
            search=self.search_for(self.question),
            style=domain.Style(self.style),
            language=self.language,
            model=self.model,
            conversation_id=conversation_id,
            max_tokens=self.max_tokens,
        )


class SummaryBody(RequestModel):
    """Exactly one of `documents` and `collection`; `filter` belongs to `collection`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"collection": "handbook", "language": "en"}],
            "oneOf": [
                {
                    "required": ["documents"],
                    "properties": {"filter": {"type": "null"}},
                    "not": {"required": ["collection"]},
                },
                {"required": ["collection"], "not": {"required": ["documents"]}},
            ],
        }
    )

    documents: Annotated[list[Identifier], Field(min_length=1, max_length=100)] = Field(default_factory=list)
    collection: Annotated[CollectionName, Field(json_schema_extra=without_default)] = ""
    filter: FilterField = None
    instructions: LongText | None = None
    language: Language = "auto"
    model: ShortText | None = None
    max_tokens: MaxTokens = DEFAULT_MAX_TOKENS
    stream: bool = False

    @model_validator(mode="after")
    def _one_selection(self) -> Self:
        if len(self.model_fields_set & {"documents", "collection"}) != 1:
            raise ValueError("give exactly one of documents and collection")
        if self.documents and self.filter is not None:
            raise ValueError("filter selects documents of a collection")
        return self

    def to_domain(self) -> domain.SummaryRequest:
        return domain.SummaryRequest(
            documents=tuple(self.documents),
            collection=self.collection or None,
            filter=self.filter,
            instructions=self.instructions,
            language=self.language,
            model=self.model,
            max_tokens=self.max_tokens,
        )


class FeedbackBody(RequestModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"rating": "up", "comment": "Exactly."}]})

    rating: Literal["up", "down"]
    comment: Annotated[Text, StringConstraints(max_length=4_000)] | None = None


class CitationSource(ResponseModel):
    """`start` and `end` index the document's extracted text."""

    document_id: str
    key: str
    title: str | None
    page: int | None
    start: int
    end: int


class Citation(ResponseModel):
    """`start` and `end` index the answer's text; `quote` is exactly the source's text."""

    start: int
    end: int
    passage: int
    source: CitationSource
    quote: str
    verified: Literal[True] = True


class Span(ResponseModel):
    start: int
    end: int


class Usage(ResponseModel):
    input_tokens: int
    output_tokens: int
    cost_usd: float | None


class Answer(ResponseModel):
    """`query` is what was searched for: a follow-up question made to stand alone; null in a summary.

    `rerank_failure`: the code of the error for which the passages are not reranked; null otherwise.
    """

    id: str
    status: Literal["answered", "insufficient_evidence", "refused"]
    text: str
    language: str
    model: str
    fallback_from: str | None
    rerank_failure: str | None
    query: str | None
    citations: list[Citation]
    unsupported: list[Span]
    passages: list[Passage]
    conversation_id: str | None
    usage: Usage
    timings_ms: Mapping[str, float]


class Turn(ResponseModel):
    question: str
    answer: str


class ConversationSummary(ResponseModel):
    id: str
    created_at: datetime
    updated_at: datetime


class Conversation(ConversationSummary):
    turns: list[Turn]
