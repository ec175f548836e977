"""Collections over HTTP."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints

from app.schemas.common import WHOLE, CollectionName, Language, Metadata, RequestModel, ResponseModel, Text
from rag.domain import documents as domain

Description = Annotated[Text, StringConstraints(max_length=2_000)]


Strategy = Literal["recursive", "page", "row", "whole"]


class ChunkingOptions(RequestModel):
    """`page`, `row` (of a table) and `whole` (the document) make one chunk of each that fits.

    What the embedding model does not take whole, text that is in no row and documents without pages are cut
    as by `recursive`: along the structure, at the ends of sentences, into chunks of at most `max_tokens` (of
    the model; fewer where it takes fewer). Up to `overlap_tokens` of the chunk before are repeated there.
    """

    strategy: Strategy = "recursive"
    max_tokens: Annotated[int, Field(ge=128, le=2048), WHOLE] = domain.Chunking().max_tokens
    overlap_tokens: Annotated[int, Field(ge=0, le=64), WHOLE] = domain.Chunking().overlap_tokens
    jsonl: Annotated[
        domain.JsonLines, Field(description="Whether each line of a file of JSON lines is a document")
    ] = "one_document"

    def to_domain(self) -> domain.Chunking:
        return domain.Chunking(
            strategy=domain.ChunkingStrategy(self.strategy),
            max_tokens=self.max_tokens,
            overlap_tokens=self.overlap_tokens,
            jsonl=self.jsonl,
        )


class CollectionCreate(RequestModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "handbook", "description": "How we work", "language": "auto"}]
        }
    )

    name: CollectionName
    description: Description | None = None
    language: Language = "auto"
    chunking: ChunkingOptions = Field(default_factory=ChunkingOptions)
    metadata: Metadata = Field(default_factory=dict)

    def to_domain(self, embedding: domain.EmbeddingModel) -> domain.NewCollection:
        return domain.NewCollection(
            name=self.name,
            embedding=embedding,
            description=self.description,
            language=self.language,
            chunking=self.chunking.to_domain(),
            metadata=self.metadata,
        )


class CollectionUpdate(RequestModel):
    """What is absent or null stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"description": "How we work, since 2021"}]})

    description: Description | None = None
    language: Language | None = None
    chunking: ChunkingOptions | None = None
    metadata: Metadata | None = None


class CollectionChunking(ResponseModel):
    strategy: Strategy
    max_tokens: int
    overlap_tokens: int
    jsonl: domain.JsonLines


class EmbeddingModel(ResponseModel):
    id: str
    dimensions: int


class Collection(ResponseModel):
    """`outdated_count`: documents that are searched in chunks of an earlier chunking."""

    id: str
    name: str
    description: str | None
    language: str
    chunking: CollectionChunking
    metadata: Mapping[str, Any]
    embedding: EmbeddingModel
    document_count: int
    outdated_count: int
    created_at: datetime
    updated_at: datetime
