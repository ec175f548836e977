"""One claimed document from bytes to searchable chunks, or to a failure with its reason."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import chain
from math import inf

from ingestion.analysis import ChunkPlan
from ingestion.attempt import Attempt, OutOfTime, Remaining, Superseded, Texts
from ingestion.children import adopt_enclosed
from ingestion.chunk import CHUNKER_VERSION
from ingestion.chunk_parts import chunk_parts
from ingestion.chunk_size import longest_chunk, most_tokens
from ingestion.embed import Embedding
from ingestion.embed_stored import AT_ONCE, embed_stored
from ingestion.isolation import Parser, shared_parser
from ingestion.outcome import MAX_ATTEMPTS, AttemptsExhausted, Outcome, Unexpected, settle
from ingestion.parse.media_type import EML, JSONL
from ingestion.parse.reader import PARSER_VERSION
from rag.domain.content import ExtractedText, TextPart
from rag.domain.documents import BuiltDocument, Collection, EmbeddingModel, Work
from rag.embedders import embedder_of
from rag.errors import (
    AcervoError,
    DatabaseUnavailable,
    DocumentTooLarge,
    NoTextLayer,
    SourceObjectNotFound,
    VectorsMissing,
)
from rag.originals import IN_MEMORY_BYTES, Original, downloaded
from rag.ports import BuildEmbedder, Embedder, Ledger, Ocr, Source
from rag.storage import storage_error
from rag.telemetry import Metric, bound, logger, measure
from rag.text.language import detect_language


class Pipeline:
    """Parse, chunk, embed, stage, publish; no transaction is held across any of these steps."""

    def __init__(
        self,
        *,
        source: Source,
        embedder: Embedder,
        other_embedders: Sequence[BuildEmbedder] = (),
        max_document_bytes: int,
        max_streamed_bytes: int = 0,
        ocr: Ocr | None = None,
        parser: Parser | None = None,
    ) -> None:
        """Without a `parser`, files are read in processes apart (ingestion/isolation.py).

        `max_streamed_bytes` holds for formats that are read as a stream, if it is more.
        """
        self._source = source
        self._embedder = embedder
        self._other_embedders = other_embedders
        self._max_document_bytes = max_document_bytes
        self._max_streamed_bytes = max(max_document_bytes, max_streamed_bytes)
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
            return self._process(Attempt(ledger, work, remaining))
        except Superseded:
            logger.info("%s version %d was superseded", work.document_id, work.version)
            return Outcome.SUPERSEDED
        except OutOfTime:
            detail = "The worker's time was up; the next one goes on from here."
            ledger.release(work, code="out_of_time", detail=detail, delay=timedelta(), counts=False)
            return Outcome.POSTPONED
        except (KeyboardInterrupt, SystemExit):  # of a command that works in its main thread
            detail = "The command was interrupted; the next worker goes on from here."
            ledger.release(work, code="interrupted", detail=detail, delay=timedelta(), counts=False)
            raise
        except DatabaseUnavailable:
            raise
        except AcervoError as error:
            return settle(ledger, work, error)
        except Exception as error:  # the worker lives on, and the ledger says why the document did not
            if full := storage_error(error):
                return settle(ledger, work, full)
            logger.exception("%s version %d: unexpected error", work.document_id, work.version)
            return settle(ledger, work, Unexpected())

    def _process(self, attempt: Attempt) -> Outcome:
        work = attempt.work
        if work.deleting:
            attempt.ledger.erase(work)
            return Outcome.DELETED
        if work.attempts > MAX_ATTEMPTS:
            raise AttemptsExhausted
        try:
            with downloaded(self._source, work.source_uri, work.record) as found:
                return self._processed(attempt, found)
        except SourceObjectNotFound:
            if work.record is not None or work.renews_chunks:
                raise
            # The document goes with its object; the event that tells so is on its way. Where no event asked
            # for this work, none may be: the document keeps its old chunks.
            attempt.ledger.vanish(work)
            return Outcome.DELETED

    def _processed(self, attempt: Attempt, found: Original) -> Outcome:
        work = attempt.work
        made = (found.sha256, self._recipe(work))
        if work.has_searchable_version and made == (work.content_sha256, work.recipe):
            attempt.ledger.confirm(work, found.attributes, source_etag=found.etag)
            return Outcome.UNCHANGED
        self._check(found)
        embedder = self.embedder_of(work.collection.embedding)
        with closing(self._read_text(attempt, found)) as parts:
            self._build(attempt, embedder, found, parts)
        return Outcome.READY

    def _build(
        self, attempt: Attempt, embedder: Embedder, found: Original, parts: Iterator[ExtractedText]
    ) -> None:
        work = attempt.work
        first = next(parts)
        title = found.attributes.title or first.title
        language = _language(work.collection, first)
        apart = first.media_type == JSONL and work.collection.chunking.jsonl == "document_per_line"
        if apart:  # what the lines say is in documents of their own
            first, parts = replace(first, text="", blocks=()), iter(())
        texts = Texts(attempt)
        noted = texts.noting(chain((first,), parts))
        built = BuiltDocument(
            content_sha256=found.sha256,
            recipe=self._recipe(work),
            size=found.size,
            title=title,
            own_title=first.title,
            media_type=first.media_type,
            metadata=found.attributes.metadata,
            language=language,
            chunk_count=self._stage(attempt, embedder, noted, title, language),
            page_count=len(first.page_starts) or None,
            source_etag=found.etag,
            unread_pages=first.unread_pages,
        )
        has_children = (apart or first.media_type == EML) and adopt_enclosed(
            self._parser, attempt, found, first.media_type
        )
        self._publish(attempt, built, texts.last)
        if has_children:
            self._source.request_work(work.tenant)

    def _publish(self, attempt: Attempt, built: BuiltDocument, last: TextPart) -> None:
        while True:
            try:
                published = attempt.ledger.publish(attempt.work, built, last)
            except VectorsMissing:
                self._embed_with_others(attempt, built.title)
                continue
            if not published:
                raise Superseded
            return

    def _embed_with_others(self, attempt: Attempt, title: str | None) -> None:
        """What is staged needs a vector of each model that the collection has by now."""
        while lacking := attempt.ledger.unembedded(attempt.work, limit=AT_ONCE):
            model, chunks = lacking
            known = attempt.ledger.known_embeddings
            for vectors in embed_stored(self.embedder_of(model), chunks, known=known, title=title):
                attempt.add_vectors(model, vectors)

    def _read_text(self, attempt: Attempt, found: Original) -> Generator[ExtractedText, None, None]:
        """One part, or of a large file many."""
        name, declared = attempt.work.key, found.attributes.media_type
        try:
            for part in self._parts(attempt, found, name, declared):
                if self._ocr and part.unread_pages:
                    yield self._recognized(self._ocr, attempt, found, part)
                else:
                    yield part
        except NoTextLayer:
            if self._ocr is None:
                raise
            yield self._recognized(self._ocr, attempt, found)

    def _recognized(
        self, ocr: Ocr, attempt: Attempt, found: Original, readable: ExtractedText | None = None
    ) -> ExtractedText:
        """The text of all pages, or that of some in their places among the `readable`."""
        # Most documents have text; PDFium's share of a cold start is for those that have none.
        from ingestion.ocr import recognize, recognize_unread  # noqa: PLC0415 - see above

        body, name, declared = found.body(), attempt.work.key, found.attributes.media_type
        if readable is None:
            return recognize(self._parser, ocr, body, name=name, declared=declared, beat=attempt.renew)
        return recognize_unread(self._parser, ocr, body, readable, beat=attempt.renew)

    def _parts(
        self, attempt: Attempt, found: Original, name: str, declared: str | None
    ) -> Iterator[ExtractedText]:
        if found.size <= min(IN_MEMORY_BYTES, self._max_document_bytes):
            yield self._parser.parse(found.body(), name=name, declared=declared, beat=attempt.renew)
            return
        yield from self._parser.parse_file(
            found.on_disk(),
            found.size,
            name=name,
            declared=declared,
            whole_bytes=self._max_document_bytes,
            beat=attempt.renew,
        )

    def embedder_of(self, model: EmbeddingModel) -> Embedder:
        """Raises EmbeddingModelMismatch."""
        return embedder_of(model, self._embedder, self._other_embedders)

    def _other_embedder(self, work: Work) -> Embedder | None:
        return self.embedder_of(work.other_embedding) if work.other_embedding else None

    def _check(self, found: Original) -> None:
        if found.size > self._max_streamed_bytes:
            raise DocumentTooLarge(
                f"The document has {found.size:,} bytes; the limit is {self._max_streamed_bytes:,}"
                " (ACERVO_MAX_STREAMED_BYTES)."
            )

    def _stage(
        self,
        attempt: Attempt,
        embedder: Embedder,
        parts: Iterator[ExtractedText],
        title: str | None,
        language: str,
    ) -> int:
        other = self._other_embedder(attempt.work)
        plan = ChunkPlan(
            chunking=attempt.work.collection.chunking,
            most_tokens=longest_chunk(embedder, other),
            title=title,
            language=language,
        )
        count = most_tokens(embedder, other) if other else embedder.count_tokens
        cut = partial(self._parser.chunks, count_tokens=count, beat=attempt.renew)
        model = embedder.model
        embedding = Embedding(
            embedder,
            known=lambda hashes: attempt.ledger.known_embeddings(model, hashes),
            stage=lambda ready: attempt.stage(ready, language),
        )
        try:
            return embedding.run(chunk_parts(parts, plan, cut))
        finally:
            measure({Metric.CHUNKS_EMBEDDED: embedding.finished})

    def _recipe(self, work: Work) -> str:
        """How a searchable version was made: another recipe builds unchanged bytes anew."""
        chunking = work.collection.chunking
        model = work.collection.embedding
        lines = " lines apart," if chunking.jsonl == "document_per_line" else ""
        scans = " scans read," if self._ocr else ""
        return (
            f"parser {PARSER_VERSION}, chunker {CHUNKER_VERSION} {chunking.strategy}"
            f" {chunking.max_tokens}/{chunking.overlap_tokens},"
            f"{lines}{scans} {work.collection.language}, {model.id}/{model.dimensions}"
        )


def _language(collection: Collection, extracted: ExtractedText) -> str:
    return detect_language(extracted.text) if collection.language == "auto" else collection.language
