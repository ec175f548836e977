"""Every error raised on purpose, as one tree.

AcervoError
├── InvalidRequest               the caller must change something
│   ├── InvalidFilter
│   ├── InvalidKey
│   ├── GenerativeModelRequired
│   ├── ContextTooLong
│   └── IdempotencyKeyReused
├── NotFound
│   ├── CollectionNotFound
│   ├── DocumentNotFound
│   ├── AnswerNotFound
│   ├── ConversationNotFound
│   ├── ApiKeyNotFound
│   ├── ReembeddingNotFound
│   ├── UploadNotFound
│   ├── PageNotFound
│   └── SourceObjectNotFound
├── Conflict                     the request contradicts what is stored
│   ├── CollectionExists
│   ├── DocumentNotFailed
│   ├── TextReplaced
│   ├── KeyConflict
│   ├── ConflictingSource
│   ├── RerankerRequired
│   ├── ReembeddingConflict
│   ├── ChunksTooLong
│   ├── VectorsMissing
│   └── EmbeddingModelMismatch
├── Unauthenticated              the request says not, or falsely, whom it comes from
├── InsufficientScope
├── DocumentRejected             this document can never be ingested as it is
│   ├── UnsupportedMediaType
│   ├── CorruptDocument
│   ├── EncryptedDocument
│   ├── EmptyDocument
│   ├── NoTextLayer
│   ├── InvalidSidecar
│   ├── InvalidRecord
│   ├── UnreadableFile
│   ├── DocumentTooLarge
│   ├── ParserCrashed
│   └── ParserTimedOut
├── Unavailable                  try again later (retryable)
│   ├── DatabaseUnavailable
│   ├── StorageUnavailable
│   │   ├── InsufficientStorage
│   │   └── StorageReadOnly
│   ├── IdentityProviderUnavailable
│   ├── QueryTimedOut
│   ├── RateLimited
│   ├── RequestInProgress
│   ├── TenantBusy
│   ├── TokenBudgetExhausted
│   ├── Throttled
│   ├── ModelUnavailable
│   │   └── ModelStarting
│   ├── Overloaded
│   ├── ShuttingDown
│   ├── ParserUnavailable
│   ├── OcrUnavailable
│   ├── ChangingFile
│   └── SourceUnavailable
├── InvalidEvent                 a message that says nothing of any document
├── ModelResponseInvalid
└── SetupError                   the operator must change something
    ├── EmbeddedServerError
    │   └── DataDirectoryError
    └── SettingInvalid

`code` is what clients and the ledger see; `retryable` decides whether the write path tries again.
"""

from typing import ClassVar


class AcervoError(Exception):
    """Something went wrong that Acervo knows by name."""

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False

    @property
    def detail(self) -> str:
        """The sentence a user reads: what is wrong and what to do."""
        return str(self)


class InvalidRequest(AcervoError):
    """The request cannot be honoured as it is."""

    code = "invalid_request"

    def __init__(self, detail: str, *, pointer: str = "") -> None:
        super().__init__(detail)
        self.pointer = pointer


class InvalidFilter(InvalidRequest):
    """The filter names an unknown field or operator, or is too large."""

    code = "invalid_filter"


class InvalidKey(InvalidRequest):
    """The document key cannot be stored."""

    code = "invalid_key"


class GenerativeModelRequired(InvalidRequest):
    """The request needs a generative model, and none is configured."""

    code = "generative_model_required"


class ContextTooLong(InvalidRequest):
    """The prompt is longer than the model reads."""

    code = "context_too_long"


class IdempotencyKeyReused(InvalidRequest):
    """The Idempotency-Key was used before with another request."""

    code = "idempotency_key_reused"


class NotFound(AcervoError):
    """There is no such thing, or it belongs to another tenant."""

    code = "not_found"


class CollectionNotFound(NotFound):
    """There is no collection of this name."""

    code = "collection_not_found"


class DocumentNotFound(NotFound):
    """There is no document of this id."""

    code = "document_not_found"


class AnswerNotFound(NotFound):
    """There is no answer of this id."""

    code = "answer_not_found"


class ConversationNotFound(NotFound):
    """There is no conversation of this id."""

    code = "conversation_not_found"


class ApiKeyNotFound(NotFound):
    """There is no API key of this id."""

    code = "api_key_not_found"


class ReembeddingNotFound(NotFound):
    """The collection has one embedding model only."""

    code = "reembedding_not_found"


class UploadNotFound(NotFound):
    """There is no such upload, or its time is over."""

    code = "upload_not_found"


class PageNotFound(NotFound):
    """The cursor is not one that this list returned."""

    code = "page_not_found"


class SourceObjectNotFound(NotFound):
    """The source no longer holds the document's bytes."""

    code = "source_object_not_found"


class Conflict(AcervoError):
    """The request contradicts what is stored."""

    code = "conflict"


class CollectionExists(Conflict):
    """A collection of this name exists already."""

    code = "collection_exists"


class DocumentNotFailed(Conflict):
    """Only a failed document can be retried."""

    code = "document_not_failed"


class TextReplaced(Conflict):
    """The document changed while its text was read; read it again."""

    code = "text_replaced"


class KeyConflict(Conflict):
    """The source cannot hold this key beside the others."""

    code = "key_conflict"


class ConflictingSource(Conflict):
    """Another door writes this key; the orders of two doors cannot be compared."""

    code = "conflicting_source"


class RerankerRequired(Conflict):
    """The request needs a reranker, and none is configured."""

    code = "reranker_required"


class ReembeddingConflict(Conflict):
    """The change of the embedding model is not at the step that this belongs to."""

    code = "reembedding_conflict"


class ChunksTooLong(Conflict):
    """The embedding model would not read all of some chunks."""

    code = "chunks_too_long"


class VectorsMissing(Conflict):
    """Staged chunks lack vectors of a model that the collection has by now."""

    code = "vectors_missing"


class EmbeddingModelMismatch(Conflict):
    """The collection was embedded with another model than the one configured."""

    code = "embedding_model_mismatch"


class Unauthenticated(AcervoError):
    """The request needs a valid credential."""

    code = "unauthenticated"


class InsufficientScope(AcervoError):
    """The credential does not allow this."""

    code = "insufficient_scope"

    def __init__(self, detail: str, *, scope: str) -> None:
        super().__init__(detail)
        self.scope = scope


class DocumentRejected(AcervoError):
    """The document can never be ingested as it is."""

    code = "document_rejected"


class UnsupportedMediaType(DocumentRejected):
    """No reader exists for this kind of file."""

    code = "unsupported_media_type"


class CorruptDocument(DocumentRejected):
    """The file is damaged or is not what it says it is."""

    code = "corrupt"


class EncryptedDocument(DocumentRejected):
    """The file is protected by a password."""

    code = "encrypted"


class EmptyDocument(DocumentRejected):
    """The file holds no text."""

    code = "empty"


class NoTextLayer(DocumentRejected):
    """The pages are images without text."""

    code = "no_text_layer"


class InvalidSidecar(DocumentRejected):
    """The side-car file with title and metadata cannot be read."""

    code = "invalid_sidecar"


class InvalidRecord(DocumentRejected):
    """The Kinesis record is not one of the producer contract."""

    code = "invalid_record"


class UnreadableFile(DocumentRejected):
    """The file in the folder cannot be read."""

    code = "unreadable"


class DocumentTooLarge(DocumentRejected):
    """The document is beyond a configured limit."""

    code = "too_large"


class ParserCrashed(DocumentRejected):
    """Reading the file ended the process that read it."""

    code = "parser_crashed"


class ParserTimedOut(DocumentRejected):
    """Reading the file takes longer than the limit."""

    code = "parser_timeout"


class Unavailable(AcervoError):
    """A dependency does not answer now; try again later."""

    code = "unavailable"
    retryable = True
    retry_after_seconds: int = 5


class DatabaseUnavailable(Unavailable):
    """The database does not answer."""

    code = "database_unavailable"


class QueryTimedOut(Unavailable):
    """The database took too long for this request. Ask for less, or with a narrower filter."""

    code = "query_timed_out"


class StorageUnavailable(Unavailable):
    """The disk cannot be written to now."""

    code = "storage_unavailable"
    retry_after_seconds = 60


class InsufficientStorage(StorageUnavailable):
    """The disk is full. Nothing that was stored is lost; free some space, and send the request again."""

    code = "insufficient_storage"


class StorageReadOnly(StorageUnavailable):
    """The disk has become read-only. Nothing that was stored is lost; mount it writable, and try again."""

    code = "storage_read_only"


class IdentityProviderUnavailable(Unavailable):
    """The keys that tokens are checked with cannot be fetched now."""

    code = "identity_provider_unavailable"

    def __init__(self, detail: str, *, retry_after_seconds: int = 5) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class RateLimited(Unavailable):
    """The tenant sends more requests a minute than it may."""

    code = "rate_limited"

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__(f"Try again in {retry_after_seconds} s.")
        self.retry_after_seconds = retry_after_seconds


class RequestInProgress(Unavailable):
    """The first request with this Idempotency-Key is still running; its answer comes under the same key."""

    code = "request_in_progress"
    retry_after_seconds = 1


class TenantBusy(Unavailable):
    """The tenant has more requests in work at once than its share of the server."""

    code = "tenant_busy"
    retry_after_seconds = 1


class TokenBudgetExhausted(Unavailable):
    """The tenant has used up the tokens that models may read and write for it this month."""

    code = "token_budget_exhausted"

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__(f"The next month begins in {retry_after_seconds} s.")
        self.retry_after_seconds = retry_after_seconds


class Throttled(Unavailable):
    """The model's quota is used up for now."""

    code = "throttled"


class ModelUnavailable(Unavailable):
    """The model server does not answer."""

    code = "model_unavailable"


class ModelStarting(ModelUnavailable):
    """The endpoint is scaled to zero or still loading its model."""

    code = "model_starting"
    retry_after_seconds = 60


class ChangingFile(Unavailable):
    """The file changes while it is read."""

    code = "changing_file"


class SourceUnavailable(Unavailable):
    """The source of the documents does not answer."""

    code = "source_unavailable"


class Overloaded(Unavailable):
    """The server waits for as many models at once as it can."""

    code = "overloaded"


class ShuttingDown(Unavailable):
    """The server is being stopped before the model has finished."""

    code = "shutting_down"


class ParserUnavailable(Unavailable):
    """The process that reads files cannot be started."""

    code = "parser_unavailable"


class OcrUnavailable(Unavailable):
    """The service that reads images of text does not answer."""

    code = "ocr_unavailable"


class InvalidEvent(AcervoError):
    """The message is not one that a source of documents sends."""

    code = "invalid_event"


class ModelResponseInvalid(AcervoError):
    """The model server answered with something that is not of its contract."""

    code = "model_response_invalid"
    retryable = True


class SetupError(AcervoError):
    """The installation or its settings must be changed."""

    code = "setup_error"


class EmbeddedServerError(SetupError):
    """The embedded PostgreSQL server cannot be started or stopped."""

    code = "embedded_server_error"


class DataDirectoryError(EmbeddedServerError):
    """The data directory cannot be read or written."""

    code = "data_directory_error"


class SettingInvalid(SetupError):
    """A setting has a value that cannot be used."""

    code = "setting_invalid"
