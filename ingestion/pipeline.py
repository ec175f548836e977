"""One claimed document from bytes to searchable chunks, or to a failure with its reason."""

import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from math import inf

from ingestion.chunk import CHUNKER_VERSION, chunk
from ingestion.embed import Embedding
from ingestion.embed_stored import AT_ONCE, embed_stored, most_tokens
from ingestion.isolation import Parser, shared_parser
from ingestion.parse.reader import PARSER_VERSION
from rag.domain.content import EmbeddedChunk, ExtractedText, Vector
from rag.domain.documents import BuiltDocument, Collection, EmbeddingModel, SourceObject, Work
from rag.embedders import embedder_of
from rag.errors import (
    AcervoError,
    DatabaseUnavailable,
    DocumentTooLarge,
    NoTextLayer,
    SetupError,
    SourceObjectNotFound,
    Throttled,
    VectorsMissing,
)
from rag.originals import original
from rag.ports import BuildEmbedder, Embedder, Ledger, Ocr, Source
from rag.telemetry import Metric, bound, logger, measure
from rag.text.language import detect_language

LEASE = timedelta(seconds=30)
MAX_ATTEMPTS = 5
# What a worker keeps of its time to hand its work back, seconds: calls in flight may take 20 to end.
RESERVE = 25.0

Remaining = Callable[[], float]


class Outcome(StrEnum):
    """Of one claim, as it is measured."""

    READY = "ready"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    SUPERSEDED = "superseded"
    POSTPONED = "postponed"
    FAILED = "failed"


class Superseded(Exception):
    """A later event took this document over; nothing is left to do."""


class OutOfTime(Exception):
    """The worker must end; what is embedded is kept for the next one."""


@dataclass(frozen=True)
class _Attempt:
    """The work in hand, and what this worker may still do about it."""

    ledger: Ledger
    work: Work
    remaining: Remaining

    def stage(self, ready: Sequence[EmbeddedChunk], language: str) -> None:
        if ready:
            self._go_on(alive=self.ledger.stage(self.work, ready, language, lease=LEASE))
        else:
            self.renew()

    def add_vectors(self, model: EmbeddingModel, vectors: Mapping[str, Vector]) -> None:
        self._go_on(alive=self.ledger.add_vectors(self.work, model, vectors, lease=LEASE))

    def renew(self) -> None:
        self._go_on(alive=self.ledger.renew(self.work, LEASE))

    def _go_on(self, *, alive: bool) -> None:
        if not alive:
            raise Superseded
        if self.remaining() < RESERVE:
            raise OutOfTime


class Pipeline:
    """Parse, chunk, embed, stage, publish; no transaction is held across any of these steps."""

    def __init__(
        self,
        *,
        source: Source,
        embedder: Embedder,
        other_embedders: Sequence[BuildEmbedder] = (),
        max_document_bytes: int,
        ocr: Ocr | None = None,
        parser: Parser | None = None,
    ) -> None:
        """Without a `parser`, files are read in processes apart (ingestion/isolation.py)."""
        self._source = source
        self._embedder = embedder
        self._other_embedders = other_embedders
        self._max_document_bytes = max_document_bytes
        self._ocr = ocr
        self._parser = parser or shared_parser()

    def process(self, ledger: Ledger, work: Work, *, remaining: Remaining = lambda: inf) -> None:
        """Brings the claimed work to an end that the ledger records.

        `remaining`: the seconds that this worker still has. Raises DatabaseUnavailable if the ledger
        cannot record anything; the end of the lease then brings the work back.
        """
        with bound(document_id=work.document_id):
            measure({Metric.DOCUMENTS: 1}, self._ended(ledger, work, remaining))

    def _ended(self, ledger: Ledger, work: Work, remaining: Remaining) -> Outcome:
        try:
            return self._process(_Attempt(ledger, work, remaining))
        except Superseded:
            logger.info("%s version %d was superseded", work.document_id, work.version)
            return Outcome.SUPERSEDED
        except OutOfTime:
            detail = "The worker's time was up; the next one goes on from here."
            ledger.release(work, code="out_of_time", detail=detail, delay=timedelta(), counts=False)
            return Outcome.POSTPONED
        except DatabaseUnavailable:
            raise
        except AcervoError as error:
            return _settle(ledger, work, error)
        except Exception:  # the worker lives on, and the ledger says why the document did not
            logger.exception("%s version %d: unexpected error", work.document_id, work.version)
            return _settle(ledger, work, Unexpected())

    def _process(self, attempt: _Attempt) -> Outcome:
        work = attempt.work
        if work.deleting:
            attempt.ledger.erase(work)
            return Outcome.DELETED
        if work.attempts > MAX_ATTEMPTS:
            raise AttemptsExhausted
        found = self._read(attempt)
        if found is None:
            return Outcome.DELETED
        digest = hashlib.sha256(found.body).hexdigest()
        if work.has_searchable_version and (digest, self._recipe(work)) == (work.content_sha256, work.recipe):
            attempt.ledger.confirm(work, found.attributes, source_etag=found.etag)
            return Outcome.UNCHANGED
        self._build(attempt, found, digest)
        return Outcome.READY

    def _read(self, attempt: _Attempt) -> SourceObject | None:
        """None: the object has gone, and its document went with it; the event that tells so is on its way."""
        work = attempt.work
        try:
            return original(self._source, work.source_uri, work.record)
        except SourceObjectNotFound:
            if work.record is not None:
                raise
            attempt.ledger.vanish(work)
            return None

    def _build(self, attempt: _Attempt, found: SourceObject, digest: str) -> None:
        work = attempt.work
        self._check(found)
        embedder = self.embedder_of(work.collection.embedding)
        extracted = self._read_text(attempt, found)
        title = found.attributes.title or extracted.title
        language = _language(work.collection, extracted)
        built = BuiltDocument(
            content_sha256=digest,
            recipe=self._recipe(work),
            size=len(found.body),
            title=title,
            own_title=extracted.title,
            media_type=extracted.media_type,
            metadata=found.attributes.metadata,
            language=language,
            chunk_count=self._stage(attempt, embedder, extracted, title, language),
            page_count=len(extracted.page_starts) or None,
            source_etag=found.etag,
        )
        self._publish(attempt, built, extracted)

    def _publish(self, attempt: _Attempt, built: BuiltDocument, extracted: ExtractedText) -> None:
        while True:
            try:
                published = attempt.ledger.publish(attempt.work, built, extracted)
            except VectorsMissing:
                self._embed_with_others(attempt, built.title)
                continue
            if not published:
                raise Superseded
            return

    def _embed_with_others(self, attempt: _Attempt, title: str | None) -> None:
        """What is staged needs a vector of each model that the collection has by now."""
        while lacking := attempt.ledger.unembedded(attempt.work, limit=AT_ONCE):
            model, chunks = lacking
            known = attempt.ledger.known_embeddings
            for vectors in embed_stored(self.embedder_of(model), chunks, known=known, title=title):
                attempt.add_vectors(model, vectors)

    def _read_text(self, attempt: _Attempt, found: SourceObject) -> ExtractedText:
        name, declared = attempt.work.key, found.attributes.media_type
        try:
            return self._parser.parse(found.body, name=name, declared=declared, beat=attempt.renew)
        except NoTextLayer:
            if self._ocr is None:
                raise
        # Most documents have text; PDFium's share of a cold start is for those that have none.
        from ingestion.ocr import recognize  # noqa: PLC0415 - see above

        return recognize(
            self._parser, self._ocr, found.body, name=name, declared=declared, beat=attempt.renew
        )

    def embedder_of(self, model: EmbeddingModel) -> Embedder:
        """Raises EmbeddingModelMismatch."""
        return embedder_of(model, self._embedder, self._other_embedders)

    def _check(self, found: SourceObject) -> None:
        if len(found.body) > self._max_document_bytes:
            raise DocumentTooLarge(
                f"The document has {len(found.body):,} bytes; the limit is {self._max_document_bytes:,}"
                " (ACERVO_MAX_DOCUMENT_BYTES)."
            )

    def _stage(
        self,
        attempt: _Attempt,
        embedder: Embedder,
        extracted: ExtractedText,
        title: str | None,
        language: str,
    ) -> int:
        sizes = attempt.work.collection.chunking
        other = attempt.work.other_embedding
        chunks = chunk(
            extracted,
            max_tokens=sizes.max_tokens,
            overlap_tokens=sizes.overlap_tokens,
            count_tokens=most_tokens(embedder, self.embedder_of(other)) if other else embedder.count_tokens,
        )
        model = embedder.model
        embedding = Embedding(
            embedder,
            known=lambda hashes: attempt.ledger.known_embeddings(model, hashes),
            stage=lambda ready: attempt.stage(ready, language),
            language=language,
        )
        try:
            return embedding.run(chunks, title)
        finally:
            measure({Metric.CHUNKS_EMBEDDED: embedding.finished})

    def _recipe(self, work: Work) -> str:
        """How a searchable version was made: another recipe builds unchanged bytes anew."""
        sizes = work.collection.chunking
        model = work.collection.embedding
        return (
            f"parser {PARSER_VERSION}, chunker {CHUNKER_VERSION} {sizes.max_tokens}/{sizes.overlap_tokens},"
            f" {work.collection.language}, {model.id}/{model.dimensions}"
        )


class AttemptsExhausted(AcervoError):
    """Every attempt ended without a result."""

    code = "attempts_exhausted"
    retryable = True

    def __init__(self) -> None:
        super().__init__(
            f"Every one of {MAX_ATTEMPTS} attempts ended without a result: the worker died or lost it."
        )


class Unexpected(AcervoError):
    """An error that nobody foresaw."""

    code = "internal_error"
    retryable = True

    def __init__(self) -> None:
        super().__init__(
            "An unexpected error stopped this document; the server's log has it by the document's id."
        )


def _settle(ledger: Ledger, work: Work, error: AcervoError) -> Outcome:
    logger.warning("%s version %d: %s", work.document_id, work.version, error.code)
    throttled = isinstance(error, Throttled)  # which is no failure, however often
    if throttled or (error.retryable and work.attempts < MAX_ATTEMPTS):
        # Full jitter: many documents that failed together do not come back together.
        delay = timedelta(seconds=random.uniform(0.5, 1) * 2**work.attempts)  # noqa: S311 - not cryptography
        ledger.release(work, code=error.code, detail=error.detail, delay=delay, counts=not throttled)
        return Outcome.POSTPONED
    # What the operator must mend can be tried again afterwards.
    retryable = error.retryable or isinstance(error, SetupError)
    ledger.fail(work, code=error.code, detail=error.detail, retryable=retryable)
    return Outcome.FAILED


def _language(collection: Collection, extracted: ExtractedText) -> str:
    return detect_language(extracted.text) if collection.language == "auto" else collection.language
