"""Prompts, what a generator streams, and answers whose every citation is verified."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

from rag.domain.filters import Filter
from rag.domain.search import Passage, SearchRequest, TermStatistics


class AnswerStatus(StrEnum):
    ANSWERED = "answered"
    INSUFFICIENT_EVIDENCE = "insufficient_evidence"
    REFUSED = "refused"


class Style(StrEnum):
    ANSWER = "answer"
    SUMMARY = "summary"


@dataclass(frozen=True, kw_only=True)
class Example:
    input: str
    output: str


@dataclass(frozen=True, kw_only=True)
class Turn:
    question: str
    answer: str


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """What a generator is asked: passages are data, never instructions.

    With passages the output is to be grounded in them and cited; without, it is plain generation.
    `citing` tells how to mark what proves a sentence; not sent to models that cite by themselves.
    """

    instructions: str
    input: str
    citing: str = ""
    style: Style = Style.ANSWER
    language: str = "auto"
    passages: tuple[Passage, ...] = ()
    terms: TermStatistics = field(default_factory=TermStatistics)
    examples: tuple[Example, ...] = ()
    history: tuple[Turn, ...] = ()
    model: str | None = None
    max_tokens: int = 1024
    json_schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class TextDelta:
    text: str


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A generator says: the output from `start` to `end` is supported by `quote` of that passage.

    A claim is not a citation until `quote` is found in the passage.
    """

    start: int
    end: int
    passage: int  # index into Prompt.passages
    quote: str


@dataclass(frozen=True, kw_only=True)
class Usage:
    """`input_tokens` counts what was read from a cache too; `cost_usd` knows its price. None: not known."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None


@dataclass(frozen=True, kw_only=True)
class Completed:
    """The last event of every generation.

    `model` where another one answered than was asked: a fallback. `distrusted`: nothing was said, because
    suspicious passages alone hold an answer.
    """

    usage: Usage = field(default_factory=Usage)
    model: str | None = None
    refused: bool = False
    truncated: bool = False
    distrusted: bool = False


GenerationEvent: TypeAlias = TextDelta | Claim | Completed


@dataclass(frozen=True, kw_only=True)
class GenerativeModel:
    """`generative` is false for the extractive generator, which only selects sentences."""

    id: str
    generative: bool


@dataclass(frozen=True, kw_only=True)
class CitationSource:
    document_id: str
    key: str
    title: str | None
    start: int
    end: int
    page: int | None = None


@dataclass(frozen=True, kw_only=True)
class Citation:
    """`quote` equals the document's text from `source.start` to `source.end`, always."""

    start: int
    end: int
    passage: int
    source: CitationSource
    quote: str


@dataclass(frozen=True, kw_only=True)
class Span:
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class AnswerRequest:
    """`search.query` is the question."""

    search: SearchRequest
    style: Style = Style.ANSWER
    language: str = "auto"
    model: str | None = None
    conversation_id: str | None = None
    max_tokens: int = 1024


@dataclass(frozen=True, kw_only=True)
class SummaryRequest:
    """Either `documents` by id, or those of `collection` that pass the filter."""

    documents: tuple[str, ...] = ()
    collection: str | None = None
    filter: Filter | None = None
    instructions: str | None = None
    language: str = "auto"
    model: str | None = None
    max_tokens: int = 1024


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`query` is what was searched for: a follow-up question made to stand alone; None in a summary.

    `fallback_from` is the model that was asked and did not answer. `rerank_failure`: see Retrieved.
    """

    id: str
    status: AnswerStatus
    text: str
    language: str
    model: str
    citations: tuple[Citation, ...]
    unsupported: tuple[Span, ...]
    passages: tuple[Passage, ...]
    usage: Usage
    timings_ms: Mapping[str, float]
    conversation_id: str | None = None
    query: str | None = None
    fallback_from: str | None = None
    rerank_failure: str | None = None


@dataclass(frozen=True, kw_only=True)
class Conversation:
    id: str
    created_at: datetime
    updated_at: datetime
    turns: tuple[Turn, ...] = ()
