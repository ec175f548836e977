"""Collections, the envelope of an event, and what the ledger says of a document."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, TypeAlias

Metadata = Mapping[str, Any]


class DocumentStatus(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"
    DELETING = "deleting"


class SourceKind(StrEnum):
    S3 = "s3"
    KINESIS = "kinesis"
    API = "api"
    FOLDER = "folder"


@dataclass(frozen=True, kw_only=True)
class EmbeddingModel:
    """Which vectors a collection holds; vectors of two models are never compared."""

    id: str
    dimensions: int


JsonLines: TypeAlias = Literal["one_document", "document_per_line"]


class ChunkingStrategy(StrEnum):
    """What becomes one chunk, as far as the embedding model takes it whole."""

    RECURSIVE = "recursive"  # as many sentences of a section as `max_tokens` hold
    PAGE = "page"
    ROW = "row"  # of a table; the text between tables is cut as by `recursive`
    WHOLE = "whole"  # the document


@dataclass(frozen=True, kw_only=True)
class Chunking:
    """Sizes in tokens of the embedding model; `jsonl`: what a file of JSON lines is.

    The sizes are those of `recursive`, by which the other strategies cut what is too large for the model or
    has no pages.
    """

    strategy: ChunkingStrategy = ChunkingStrategy.RECURSIVE
    max_tokens: int = 400
    overlap_tokens: int = 0
    jsonl: JsonLines = "one_document"


@dataclass(frozen=True, kw_only=True)
class Collection:
    """`chunking_version` counts the changes of `chunking`.

    `outdated_count` is how many documents are searched in chunks of an earlier one.
    """

    id: str
    name: str
    description: str | None
    language: str  # "auto" or an ISO 639-1 code
    chunking: Chunking
    chunking_version: int
    metadata: Metadata
    embedding: EmbeddingModel
    document_count: int
    outdated_count: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class NewCollection:
    name: str
    embedding: EmbeddingModel
    description: str | None = None
    language: str = "auto"
    chunking: Chunking = field(default_factory=Chunking)
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Attributes:
    """What a source says of an object beside its bytes."""

    title: str | None = None
    media_type: str | None = None
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SourceEvent:
    """The envelope: something happened to the object behind one key.

    `observe`: it is not known what; look at the object. `describe`: only its attributes changed.
    `order` compares as text within one key: the greater happened later. Empty: the source cannot tell.
    `etag` names the object's state, so that a repeated event for the same state costs nothing.
    `attributes` are given where the door knows them already.
    `record` is the whole Kinesis record, which no other place keeps; or, of a document that came inside of
    another one, `parent_id`, the same in that form.
    """

    tenant: str
    collection: str
    key: str
    operation: Literal["upsert", "delete", "observe", "describe"]
    kind: SourceKind
    uri: str
    order: str = ""
    etag: str = ""
    size: int = 0
    attributes: Attributes = field(default_factory=Attributes)
    record: bytes | None = None
    parent_id: str | None = None

    @property
    def place(self) -> "Place":
        return (self.tenant, self.collection, self.key)


# Tenant, collection and key.
Place: TypeAlias = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class SourceState:
    """What the ledger last accepted for a key."""

    etag: str
    uri: str


@dataclass(frozen=True, kw_only=True)
class SourceObject:
    """`etag` names the state that was read, empty where the source cannot tell."""

    body: bytes
    attributes: Attributes
    etag: str = ""


@dataclass(frozen=True, kw_only=True)
class SourceDescription:
    """A SourceObject without its bytes."""

    attributes: Attributes
    etag: str = ""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why the newest version of a document did not become searchable."""

    code: str
    detail: str
    attempts: int
    retryable: bool
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Document:
    """One row of the ledger. `version` is the searchable one, 0 before the first is ready.

    `parent_id`: of the document in which this one came, an attachment or a line.
    """

    id: str
    collection: str
    key: str
    title: str | None
    media_type: str | None
    size: int
    content_sha256: str | None
    version: int
    status: DocumentStatus
    failure: Failure | None
    metadata: Metadata
    language: str | None
    chunk_count: int
    page_count: int | None
    source_kind: SourceKind
    source_uri: str
    created_at: datetime
    updated_at: datetime
    ready_at: datetime | None
    parent_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class HistoryEntry:
    """One line of a document's life, as `acervo why` prints it."""

    at: datetime
    version: int
    event: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class Child:
    """A document inside of another one. `record` is its content in the form of a Kinesis record."""

    key: str
    uri: str
    etag: str
    size: int
    record: bytes


@dataclass(frozen=True, kw_only=True)
class Work:
    """A document claimed by a worker until its lease ends.

    `version` is the one to build, `claim` this attempt's own number. `recipe` and `content_sha256`
    describe the searchable version; equal values mean that there is nothing to do. `renews_chunks`: no event
    told of a change, the collection's chunking changed.
    """

    tenant: str
    document_id: str
    collection: Collection
    key: str
    version: int
    claim: int
    deleting: bool
    attempts: int
    source_uri: str
    record: bytes | None
    has_searchable_version: bool
    renews_chunks: bool
    content_sha256: str | None
    recipe: str | None
    # A second model of the collection, in the making or kept for a roll-back.
    other_embedding: EmbeddingModel | None = None


@dataclass(frozen=True, kw_only=True)
class BuiltDocument:
    """What the switch records with the new version.

    `own_title` is what the document calls itself. `source_etag` is the state that was read, empty: unknown.
    `unread_pages` hold no text; the document's history names them.
    """

    content_sha256: str
    recipe: str
    size: int
    title: str | None
    own_title: str | None
    media_type: str
    metadata: Metadata
    language: str
    chunk_count: int
    page_count: int | None
    source_etag: str = ""
    unread_pages: tuple[int, ...] = ()
