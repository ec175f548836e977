"""One claimed document from bytes to searchable chunks, or to a failure with its reason."""

import hashlib
import random
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import islice

from ingestion.chunk import CHUNKER_VERSION, chunk
from ingestion.parse.reader import PARSER_VERSION, parse
from rag.domain.content import Chunk, EmbeddedChunk, ExtractedText
from rag.domain.documents import BuiltDocument, Collection, SourceObject, Work
from rag.errors import AcervoError, DocumentTooLarge, EmbeddingModelMismatch
from rag.ports import Embedder, Ledger, Source
from rag.telemetry import logger
from rag.text.language import detect_language

LEASE = timedelta(seconds=30)
MAX_ATTEMPTS = 5
# Chunks embedded and staged between two renewals of the lease.
BATCH = 64


class Superseded(Exception):
    """A later event took this document over; nothing is left to do."""


class Pipeline:
    """Parse, chunk, embed, stage, publish; no transaction is held across any of these steps."""

    def __init__(self, *, source: Source, embedder: Embedder, max_document_bytes: int) -> None:
        self._source = source
        self._embedder = embedder
        self._max_document_bytes = max_document_bytes

    def process(self, ledger: Ledger, work: Work) -> None:
        """Brings the claimed work to an end that the ledger records."""
        try:
            self._process(ledger, work)
        except Superseded:
            logger.info("%s version %d was superseded", work.document_id, work.version)
        except AcervoError as error:
            _settle(ledger, work, error.code, error.detail, retryable=error.retryable)
        except Exception:  # the worker lives on, and the ledger says why the document did not
            logger.exception("%s version %d: unexpected error", work.document_id, work.version)
            detail = (
                "An unexpected error stopped this document; the server's log has it by the document's id."
            )
            _settle(ledger, work, "internal_error", detail, retryable=True)

    def _process(self, ledger: Ledger, work: Work) -> None:
        if work.deleting:
            ledger.erase(work)
            return
        if work.attempts > MAX_ATTEMPTS:
            detail = (
                f"Every one of {MAX_ATTEMPTS} attempts ended without a result: the worker died or lost it."
            )
            ledger.fail(work, code="attempts_exhausted", detail=detail, retryable=True)
            return
        found = self._source.fetch(work.source_uri)
        digest = hashlib.sha256(found.body).hexdigest()
        if work.has_searchable_version and (digest, self._recipe(work)) == (work.content_sha256, work.recipe):
            ledger.confirm(work, found.attributes)
            return
        self._build(ledger, work, found, digest)

    def _build(self, ledger: Ledger, work: Work, found: SourceObject, digest: str) -> None:
        self._check(work.collection, found)
        extracted = parse(found.body, name=work.key, declared=found.attributes.media_type)
        title = found.attributes.title or extracted.title
        language = _language(work.collection, extracted)
        count = self._stage(ledger, work, self._chunks(work, extracted), title, language)
        built = BuiltDocument(
            content_sha256=digest,
            recipe=self._recipe(work),
            size=len(found.body),
            title=title,
            media_type=extracted.media_type,
            metadata=found.attributes.metadata,
            language=language,
            chunk_count=count,
            page_count=len(extracted.page_starts) or None,
        )
        if not ledger.publish(work, built, extracted):
            raise Superseded

    def _check(self, collection: Collection, found: SourceObject) -> None:
        if collection.embedding != self._embedder.model:
            raise EmbeddingModelMismatch(
                f"The collection holds vectors of {collection.embedding.id}, and"
                f" {self._embedder.model.id} is configured (ACERVO_EMBEDDING)."
            )
        if len(found.body) > self._max_document_bytes:
            raise DocumentTooLarge(
                f"The document has {len(found.body):,} bytes; the limit is {self._max_document_bytes:,}"
                " (ACERVO_MAX_DOCUMENT_BYTES)."
            )

    def _chunks(self, work: Work, extracted: ExtractedText) -> Iterator[Chunk]:
        sizes = work.collection.chunking
        return chunk(
            extracted,
            max_tokens=sizes.max_tokens,
            overlap_tokens=sizes.overlap_tokens,
            count_tokens=self._embedder.count_tokens,
        )

    def _stage(
        self, ledger: Ledger, work: Work, chunks: Iterable[Chunk], title: str | None, language: str
    ) -> int:
        remaining = iter(chunks)
        count = 0
        while batch := list(islice(remaining, BATCH)):
            if not ledger.renew(work, LEASE):
                raise Superseded
            ledger.stage(work, self._embed(ledger, batch, title), language)
            count += len(batch)
        return count

    def _embed(self, ledger: Ledger, batch: list[Chunk], title: str | None) -> list[EmbeddedChunk]:
        contexts = [_context(item, title) for item in batch]
        texts = [
            f"{context}\n\n{item.text}" if context else item.text
            for item, context in zip(batch, contexts, strict=True)
        ]
        hashes = [hashlib.sha256(text.encode()).digest() for text in texts]
        vectors = dict(ledger.known_embeddings(self._embedder.model, hashes))
        missing = {key: text for key, text in zip(hashes, texts, strict=True) if key not in vectors}
        vectors |= zip(missing, self._embedder.embed_documents(list(missing.values())), strict=True)
        return [
            EmbeddedChunk(chunk=item, context=context, embedded_sha256=key, embedding=vectors[key])
            for item, context, key in zip(batch, contexts, hashes, strict=True)
        ]

    def _recipe(self, work: Work) -> str:
        """How a searchable version was made: another recipe builds unchanged bytes anew."""
        sizes = work.collection.chunking
        model = self._embedder.model
        return (
            f"parser {PARSER_VERSION}, chunker {CHUNKER_VERSION} {sizes.max_tokens}/{sizes.overlap_tokens},"
            f" {work.collection.language}, {model.id}/{model.dimensions}"
        )


def _settle(ledger: Ledger, work: Work, code: str, detail: str, *, retryable: bool) -> None:
    if retryable and work.attempts < MAX_ATTEMPTS:
        # Full jitter: many documents that failed together do not come back together.
        delay = timedelta(seconds=random.uniform(0.5, 1) * 2**work.attempts)  # noqa: S311 - not cryptography
        ledger.release(work, code=code, detail=detail, delay=delay)
    else:
        ledger.fail(work, code=code, detail=detail, retryable=retryable)
    logger.warning("%s version %d: %s", work.document_id, work.version, code)


def _language(collection: Collection, extracted: ExtractedText) -> str:
    return detect_language(extracted.text) if collection.language == "auto" else collection.language


def _context(item: Chunk, title: str | None) -> str:
    """Title and heading path, as far as the chunk does not say them itself."""
    path = dict.fromkeys(part for part in (title, *item.headings) if part)
    return " › ".join(part for part in path if part not in item.text)
