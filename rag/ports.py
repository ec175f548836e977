"""What both flows need from the outside world; adapters implement these protocols."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import BinaryIO, Protocol, TypeAlias

from rag.domain.answers import Answer, Conversation, GenerationEvent, GenerativeModel, Prompt, Turn
from rag.domain.content import EmbeddedChunk, StoredText, TextPart, Vector, VectorStream
from rag.domain.credentials import ApiKey, Limits, NewApiKey, Principal
from rag.domain.documents import (
    Attributes,
    BuiltDocument,
    Child,
    Chunking,
    Collection,
    Document,
    DocumentStatus,
    EmbeddingModel,
    HistoryEntry,
    Metadata,
    NewCollection,
    SourceDescription,
    SourceEvent,
    SourceKind,
    SourceObject,
    SourceState,
    Work,
)
from rag.domain.filters import Filter
from rag.domain.page_images import RecognizedLine
from rag.domain.pages import Page, PageRequest
from rag.domain.reembedding import Reembedding, ReembeddingWork, StoredChunk
from rag.domain.search import Candidates, IndexStatus, Passage, SearchedCollection, SearchRequest
from rag.domain.uploads import Upload, UploadGrant


class Embedder(Protocol):
    """Turns texts into unit vectors of `model.dimensions`."""

    @property
    def model(self) -> EmbeddingModel: ...

    @property
    def semantic_weight(self) -> float:
        """The weight of the cosine beside a keyword score scaled to at most 1 (SearchIndex.search)."""

    @property
    def max_tokens(self) -> int | None:
        """What the model reads of a text, as `count_tokens` counts; None: everything, or nobody knows."""

    def embed_documents(self, texts: Sequence[str]) -> list[Vector]: ...

    def embed_stream(self, texts: Iterable[str]) -> VectorStream:
        """Vectors as they come.

        Texts are drawn as they are needed. An empty list comes at least every few seconds, so that the
        caller can keep its lease. An error is raised after the vectors that came before it.
        """

    def embed_query(self, text: str) -> Vector: ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]: ...


# Builds it when it is first called.
BuildEmbedder: TypeAlias = Callable[[], Embedder]


class Generator(Protocol):
    """Streams an output for a prompt: text deltas, claims about them, one `Completed` at the end.

    Claims index the concatenation of all deltas.
    """

    @property
    def model(self) -> GenerativeModel: ...

    def generate(self, prompt: Prompt) -> Iterator[GenerationEvent]: ...


class Reranker(Protocol):
    """Scores passages against a query, higher is better, one score a passage."""

    @property
    def model_id(self) -> str: ...

    def rerank(self, query: str, passages: Sequence[Passage]) -> list[float]: ...


class PassageGuard(Protocol):
    """Tells which texts try to instruct the model that reads them as data."""

    def suspicious(self, texts: Sequence[str]) -> tuple[bool, ...]:
        """One verdict a text."""


class Ocr(Protocol):
    """Recognises the text of pages that are images; `concurrency` at once, `most_pages` a document."""

    @property
    def concurrency(self) -> int: ...

    @property
    def most_pages(self) -> int: ...

    def read(self, image: bytes) -> Sequence[RecognizedLine]:
        """The lines of a PNG, JPEG or TIFF in reading order. Raises DocumentRejected, or Unavailable."""


class Source(Protocol):
    """Where the original bytes live: a bucket, or a folder laid out like one.

    The state behind a key is what stands there now: events are reasons to look.
    """

    def put(
        self,
        tenant: str,
        collection: str,
        key: str,
        body: BinaryIO,
        attributes: Attributes,
        *,
        kind: SourceKind = SourceKind.API,
    ) -> SourceEvent:
        """Stores the bytes durably and returns the event that the store must accept."""

    def describe(self, tenant: str, collection: str, key: str, attributes: Attributes) -> SourceEvent:
        """Replaces an object's attributes, not its bytes."""

    def remove(self, tenant: str, collection: str, key: str) -> SourceEvent: ...

    def remove_collection(self, tenant: str, collection: str) -> None: ...

    def fetch(self, uri: str) -> SourceObject:
        """Raises SourceObjectNotFound."""

    def download(self, uri: str, file: BinaryIO) -> SourceDescription:
        """Like `fetch`, with the bytes written to `file`."""

    def scan(self) -> Iterator[SourceEvent]:
        """An upsert for every object there is."""

    def observe(self, tenant: str, collection: str, key: str) -> SourceEvent:
        """What stands behind the key now: an upsert, or a delete where there is nothing."""

    def passes_over(self, tenant: str, collection: str, key: str) -> bool:
        """Whether the object may be there although `scan` leaves it out."""

    def grant_upload(self, upload: Upload) -> UploadGrant:
        """Lets its bearer put this one object, and nothing else, for UPLOAD_LIFETIME."""

    def granted_upload(self, token: str) -> Upload:
        """What was granted by a path of this server that ends in `token`. Raises UploadNotFound."""

    def redeem_upload(self, token: str) -> None:
        """Uses it up: there is none a second time. Raises UploadNotFound."""

    def grant_download(self, uri: str, *, content_type: str, disposition: str) -> str | None:
        """An address that gives these bytes under these headers to its bearer, for DOWNLOAD_LIFETIME.

        None: fetch them here. Raises SourceObjectNotFound.
        """

    def request_work(self, tenant: str) -> None:
        """Has the write path look for work of the tenant that no event tells of."""


class WatchedSource(Source, Protocol):
    """A source that a process keeps up with by itself."""

    def changes(self, stop: threading.Event) -> Iterator[None]:
        """Yields once after every burst of changes, until `stop` is set."""


class CollectionStore(Protocol):
    def create(self, new: NewCollection) -> Collection:
        """Raises CollectionExists."""

    def ensure(self, new: NewCollection) -> Collection:
        """The collection of that name, created if there is none."""

    def get(self, name: str) -> Collection:
        """Raises CollectionNotFound."""

    def list(self, page: PageRequest) -> Page[Collection]: ...

    def update(
        self,
        name: str,
        *,
        description: str | None = None,
        language: str | None = None,
        chunking: Chunking | None = None,
        metadata: Metadata | None = None,
    ) -> Collection:
        """Changes what is given."""

    def delete(self, name: str) -> None:
        """Hides the collection at once; its documents are erased by the write path."""


class DocumentStore(Protocol):
    """What readers see of the ledger."""

    def get(self, document_id: str) -> Document: ...

    def find(self, collection: str, key: str) -> Document: ...

    def list(
        self,
        collection: str,
        page: PageRequest,
        *,
        status: DocumentStatus | None = None,
        key_prefix: str | None = None,
    ) -> Page[Document]: ...

    def set_metadata(self, document_id: str, metadata: Metadata) -> Document: ...

    def retry(self, document_id: str) -> Document:
        """Puts a failed document back in the queue. Raises DocumentNotFailed."""

    def text(self, document_id: str) -> str:
        """The extracted text of the searchable version. Raises DocumentNotFound, TextReplaced."""

    def stored_text(self, document_id: str) -> StoredText:
        """The same in parts: a text may be larger than memory. Raises DocumentNotFound."""

    def chunks(self, document_id: str, page: PageRequest) -> Page[Passage]: ...

    def history(self, document_id: str, page: PageRequest) -> Page[HistoryEntry]: ...

    def record(self, document_id: str) -> bytes:
        """The newest Kinesis record of a document that came by that door."""


class Ledger(Protocol):
    """What the write path does to documents; every method is one short transaction."""

    def accept(self, event: SourceEvent, collection: Collection) -> Document | None:
        """Records an event unless a later one is known. None: nothing stands behind the key.

        An upsert without an order announces an object whose event is still to come. Raises
        ConflictingSource where the key belongs to another door.
        """

    def repair(self, event: SourceEvent, collection: Collection, *, known: str) -> bool:
        """Accepts what was observed without an order; False if the ledger's order is no longer `known`."""

    def known(self) -> Mapping[tuple[str, str], SourceState]:
        """The last accepted state of every (collection, key)."""

    def order(self, collection: Collection, key: str) -> str:
        """The greatest order that was accepted for the key, deletions included; empty: none was."""

    def claim(self, lease: timedelta, document_id: str | None = None) -> Work | None:
        """The next document to build or erase, for this worker alone until the lease ends.

        With an id that document alone, even before the time at which it would be offered again.
        """

    def renew(self, work: Work, lease: timedelta) -> bool:
        """False: a later event superseded this work."""

    def known_embeddings(self, model: EmbeddingModel, hashes: Sequence[bytes]) -> Mapping[bytes, Vector]:
        """Vectors already paid for, by sha256 of the embedded text."""

    def stage(self, work: Work, chunks: Sequence[EmbeddedChunk], language: str, *, lease: timedelta) -> bool:
        """Writes chunks of a version that no reader sees yet, and renews the lease.

        Staging the same chunk again is harmless. False: superseded, nothing was written.
        """

    def unembedded(self, work: Work, *, limit: int) -> tuple[EmbeddingModel, Sequence[StoredChunk]] | None:
        """Staged chunks that lack a vector of a model which the collection has by now; None: none does."""

    def add_vectors(
        self, work: Work, model: EmbeddingModel, vectors: Mapping[str, Vector], *, lease: timedelta
    ) -> bool:
        """Gives staged chunks, by id, vectors of a further model. False: superseded."""

    def stage_text(self, work: Work, part: TextPart, *, lease: timedelta) -> bool:
        """Writes a part of the text that is not the last, as `stage` writes chunks."""

    def adopt(self, work: Work, children: Sequence[Child], *, lease: timedelta) -> bool:
        """Accepts documents found inside of this one; those of the same state stay as they are.

        What `publish` then does not find among them is deleted. False: superseded, nothing was accepted.
        """

    def publish(self, work: Work, built: BuiltDocument, last: TextPart) -> bool:
        """Switches readers to the staged version, of whose text `last` is the last part, mostly the only one.

        False: superseded, nothing changed. Raises VectorsMissing where `unembedded` has something to tell.
        """

    def confirm(self, work: Work, attributes: Attributes, *, source_etag: str = "") -> bool:
        """The content did not change: only the attributes are updated."""

    def release(self, work: Work, *, code: str, detail: str, delay: timedelta, counts: bool = True) -> None:
        """A transient failure: the work is offered again after `delay`.

        `counts` False: this attempt is not one of the few after which the document fails.
        """

    def fail(self, work: Work, *, code: str, detail: str, retryable: bool) -> None:
        """A final failure, with its reason; the previous version stays searchable."""

    def vanish(self, work: Work) -> None:
        """Erases a document whose object is no longer there."""

    def erase(self, work: Work) -> None:
        """Removes every trace of the document and remembers the order of its deletion."""


class ReembeddingStore(Protocol):
    """A collection's second embedding model. Methods by a collection's name raise CollectionNotFound, and
    all but `start` ReembeddingNotFound.
    """

    def start(self, collection: str, model: EmbeddingModel) -> Reembedding:
        """Raises ReembeddingConflict."""

    def get(self, collection: str) -> Reembedding: ...

    def switch(self, collection: str) -> Reembedding:
        """The other model serves. Raises ReembeddingConflict unless every chunk has a vector of it."""

    def roll_back(self, collection: str) -> Reembedding:
        """Undoes the switch; the newer model's vectors stay. Raises ReembeddingConflict."""

    def discard(self, collection: str, *, switched: bool, delay: timedelta) -> Reembedding:
        """Gives up the model that does not serve. Its vectors go in the background, after `delay`: a search
        may have begun before a switch. Raises ReembeddingConflict unless `switched` is as things stand.
        """

    def texts(self, collection: str) -> Iterator[Sequence[StoredChunk]]:
        """Every chunk that readers see, in batches."""

    def claim(self, lease: timedelta) -> ReembeddingWork | None:
        """A step that is due, of any collection."""

    def unembedded(self, work: ReembeddingWork, *, limit: int) -> Sequence[StoredChunk]:
        """The next chunks that lack the model's vector."""

    def save(self, work: ReembeddingWork, vectors: Mapping[str, Vector], *, lease: timedelta) -> bool:
        """By chunk id; also renews the lease. False: superseded, nothing was written."""

    def remove_vectors(self, work: ReembeddingWork, *, limit: int) -> int:
        """How many of the given-up model's vectors went; with the last of them the work is over."""

    def release(
        self,
        work: ReembeddingWork,
        *,
        last: StoredChunk | None = None,
        complete: bool = False,
        delay: timedelta = timedelta(),
        failure: str | None = None,
    ) -> None:
        """The step has ended. `last`: every chunk up to it is seen to."""


class SearchIndex(Protocol):
    def collections(self, names: Sequence[str] | None) -> tuple[SearchedCollection, ...]:
        """The named ones, each once; all where `names` is None. Raises CollectionNotFound."""

    def search(
        self,
        request: SearchRequest,
        *,
        collections: Sequence[SearchedCollection],
        vector: Vector | None,
        semantic_weight: float,
        depth: int,
        limit: int,
    ) -> Candidates:
        """The best `depth` passages of each leg of `request.mode`, fused, and the best `limit` of these.

        A hybrid score is `(bm25 / max(bm25) + semantic_weight * cosine) / (1 + semantic_weight)`, in [0, 1];
        that of one leg is the leg's own. Ties go by document and ordinal.
        """

    def maintain(self) -> bool:
        """Brings the indexes of one collection up with its documents, if any lags; whether another may."""

    def widen(self, passages: Sequence[Passage], neighbors: int) -> tuple[Passage, ...]:
        """Each passage with up to `neighbors` chunks on both sides; overlapping ones merge."""

    def matches(self, document_id: str, condition: Filter) -> bool:
        """Whether the filter lets the document through."""

    def select(self, collection: Collection, condition: Filter | None, *, limit: int) -> tuple[str, ...]:
        """Ids of the searchable documents that the filter lets through, oldest first."""


class IndexStore(Protocol):
    """The search indexes of collections, for an operator. Every method raises CollectionNotFound."""

    def status(self, name: str) -> IndexStatus: ...

    def drop_vectors(self, name: str) -> None:
        """Removes the vector index; none is made until `build_vectors`."""

    def fold(self, name: str) -> bool:
        """Takes more of the collection's chunks into its posting lists; False where there is nothing left."""

    def build_vectors(self, name: str, *, megabytes: int | None) -> None:
        """Makes the vector index. Writers of vectors wait; `megabytes` of the server's memory serve it."""


class AnswerStore(Protocol):
    def save(self, answer: Answer, *, question: str) -> None: ...

    def get(self, answer_id: str) -> Answer: ...

    def give_feedback(self, answer_id: str, *, rating: str, comment: str | None) -> None: ...

    def start_conversation(self) -> Conversation: ...

    def conversation(self, conversation_id: str) -> Conversation: ...

    def conversations(self, page: PageRequest) -> Page[Conversation]: ...

    def delete_conversation(self, conversation_id: str) -> None: ...

    def recent_turns(self, conversation_id: str, limit: int) -> tuple[Turn, ...]: ...


class IdempotencyStore(Protocol):
    def begin(self, key: str, request_sha256: str) -> tuple[int, Mapping[str, str], bytes] | None:
        """The stored first response (status, headers, body), or None: this request is the first.

        Raises IdempotencyKeyReused when the key came with another request, Unavailable while the
        first is still running.
        """

    def finish(self, key: str, status: int, headers: Mapping[str, str], body: bytes) -> None: ...

    def abandon(self, key: str) -> None: ...


class TokenVerifier(Protocol):
    """Whom a JSON Web Token speaks for."""

    def verify(self, token: str) -> Principal:
        """Raises Unauthenticated, or IdentityProviderUnavailable."""


class CredentialStore(Protocol):
    """API keys and limits of all tenants. `sha256` is the fingerprint of a key's secret."""

    def create(self, new: NewApiKey, sha256: str) -> ApiKey: ...

    def list(self, tenant: str) -> tuple[ApiKey, ...]:
        """Oldest first, revoked ones too."""

    def revoke(self, tenant: str, key_id: str) -> ApiKey:
        """Raises ApiKeyNotFound."""

    def any_keys(self) -> bool:
        """Whether any tenant ever had a key."""

    def admit_key(self, sha256: str, *, spends_tokens: bool) -> Principal | None:
        """Counts the request; None: there is no such key. Raises RateLimited and TokenBudgetExhausted."""

    def admit(self, tenant: str, *, spends_tokens: bool) -> None:
        """Counts the request. Raises RateLimited and TokenBudgetExhausted."""

    def limits(self, tenant: str) -> Limits: ...

    def set_limits(self, tenant: str, limits: Limits) -> None: ...

    def count_tokens(self, tenant: str, tokens: int) -> None: ...

    def tokens_used(self, tenant: str) -> int:
        """In this calendar month."""


class TenantStore(Protocol):
    """Everything of one tenant; the database lets through nothing else."""

    @property
    def tenant(self) -> str: ...

    @property
    def collections(self) -> CollectionStore: ...

    @property
    def documents(self) -> DocumentStore: ...

    @property
    def ledger(self) -> Ledger: ...

    @property
    def index(self) -> SearchIndex: ...

    @property
    def indexes(self) -> IndexStore: ...

    @property
    def reembedding(self) -> ReembeddingStore: ...

    @property
    def answers(self) -> AnswerStore: ...

    @property
    def idempotency(self) -> IdempotencyStore: ...


class Store(Protocol):
    def check(self) -> None:
        """Raises DatabaseUnavailable, or SetupError where the schema is not current."""

    def tenants(self) -> tuple[str, ...]:
        """Every tenant that ever had a collection or a key."""

    def tenant(self, tenant: str) -> TenantStore: ...

    @property
    def credentials(self) -> CredentialStore: ...

    def close(self) -> None: ...


class Backend(Protocol):
    """The adapters that run together; each is built when first asked for."""

    @property
    def store(self) -> Store: ...

    @property
    def source(self) -> Source: ...

    @property
    def embedder(self) -> Embedder:
        """Of new collections."""

    @property
    def other_embedders(self) -> Sequence[BuildEmbedder]:
        """Of collections that have, or are to have, another model (rag/embedders.py)."""

    @property
    def generator(self) -> Generator: ...

    @property
    def reranker(self) -> Reranker | None: ...

    @property
    def guard(self) -> PassageGuard | None: ...

    @property
    def ocr(self) -> Ocr | None: ...

    def close(self) -> None: ...


class WatchedBackend(Backend, Protocol):
    """A backend whose source a process keeps up with by itself."""

    @property
    def source(self) -> WatchedSource: ...
