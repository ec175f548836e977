"""What the write path does to documents: every method is one short transaction."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from pgvector import HalfVector
from psycopg.types.json import Jsonb

from rag.adapters.postgres import chunk_rows, vector_index
from rag.adapters.postgres.acceptance import Acceptance, known_order
from rag.adapters.postgres.claims import claim
from rag.adapters.postgres.connection import Connection, Session, persistent
from rag.adapters.postgres.documents import get_document, record
from rag.adapters.postgres.model_vectors import add_vectors, staged_without_vectors
from rag.adapters.postgres.queries import load
from rag.domain.content import EmbeddedChunk, TextPart, Vector
from rag.domain.documents import (
    Attributes,
    BuiltDocument,
    Child,
    Collection,
    Document,
    EmbeddingModel,
    SourceEvent,
    SourceKind,
    SourceState,
    Work,
)
from rag.domain.reembedding import StoredChunk
from rag.errors import ConflictingSource, VectorsMissing
from rag.telemetry import logger

_sql = load("ledger")
_models = load("reembedding")
_collections = load("collections")
_MOST_NAMED = 50


class PostgresLedger:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._tenant = session.tenant

    @persistent
    def accept(self, event: SourceEvent, collection: Collection) -> Document | None:
        with self._session.transaction() as connection:
            acceptance = Acceptance(connection, self._tenant, event, collection)
            if not acceptance.conflicts():
                document_id = acceptance.apply()
                return get_document(connection, document_id) if document_id else None
        raise ConflictingSource(
            f"The key {event.key!r} came by another door before; {event.uri} is not ingested."
            " Use another key, or delete the document by its own door first."
        )

    @persistent
    def repair(self, event: SourceEvent, collection: Collection, *, known: str) -> bool:
        with self._session.transaction() as connection:
            acceptance = Acceptance(connection, self._tenant, event, collection)
            return not acceptance.conflicts() and acceptance.apply_observed(known)

    @persistent
    def known(self) -> Mapping[tuple[str, str], SourceState]:
        with self._session.transaction() as connection:
            rows = connection.execute(_sql["states"]).fetchall()
        return {
            (row["collection"], row["key"]): SourceState(etag=row["source_etag"], uri=row["source_uri"])
            for row in rows
        }

    @persistent
    def order(self, collection: Collection, key: str) -> str:
        with self._session.transaction() as connection:
            return known_order(connection, {"collection_id": collection.id, "key": key})

    @persistent
    def claim(self, lease: timedelta, document_id: str | None = None) -> Work | None:
        with self._session.transaction() as connection:
            return claim(connection, self._tenant, lease, document_id)

    @persistent
    def renew(self, work: Work, lease: timedelta) -> bool:
        with self._session.transaction() as connection:
            return _extend(connection, work, lease)

    @persistent
    def known_embeddings(self, model: EmbeddingModel, hashes: Sequence[bytes]) -> Mapping[bytes, Vector]:
        wanted = {"hashes": list(hashes), "model": model.id, "dimensions": model.dimensions}
        with self._session.transaction() as connection:
            rows = connection.execute(_sql["embeddings"], wanted)
            return {row["embedded_sha256"]: _floats(row["embedding"]) for row in rows}

    @persistent
    def stage(self, work: Work, chunks: Sequence[EmbeddedChunk], language: str, *, lease: timedelta) -> bool:
        with self._session.transaction() as connection:
            if not _extend(connection, work, lease):
                return False
            chunk_rows.insert(connection, self._tenant, work, chunks, language)
            return True

    @persistent
    def unembedded(self, work: Work, *, limit: int) -> tuple[EmbeddingModel, Sequence[StoredChunk]] | None:
        with self._session.transaction() as connection:
            return staged_without_vectors(connection, work, limit)

    @persistent
    def add_vectors(
        self, work: Work, model: EmbeddingModel, vectors: Mapping[str, Vector], *, lease: timedelta
    ) -> bool:
        with self._session.transaction() as connection:
            if not _extend(connection, work, lease):
                return False
            add_vectors(connection, model, vectors)
            return True

    @persistent
    def stage_text(self, work: Work, part: TextPart, *, lease: timedelta) -> bool:
        with self._session.transaction() as connection:
            if not _extend(connection, work, lease):
                return False
            self._save_text(connection, work, part)
            return True

    @persistent
    def adopt(self, work: Work, children: Sequence[Child], *, lease: timedelta) -> bool:
        with self._session.transaction() as connection:
            if not _extend(connection, work, lease):
                return False
            parent = get_document(connection, work.document_id)
            for child in children:
                self._adopt(connection, work, child, parent.source_kind)
            return True

    def _adopt(self, connection: Connection, work: Work, child: Child, kind: SourceKind) -> None:
        event = SourceEvent(
            tenant=self._tenant,
            collection=work.collection.name,
            key=child.key,
            operation="upsert",
            kind=kind,
            uri=child.uri,
            etag=child.etag,
            size=child.size,
            record=child.record,
            parent_id=work.document_id,
        )
        acceptance = Acceptance(connection, self._tenant, event, work.collection)
        if acceptance.conflicts():
            logger.warning("%s is not ingested: its key belongs to another document", child.uri)
            return
        values = {"child_id": acceptance.apply(), **_identity(work)}
        connection.execute(_sql["adopt"], values)

    @persistent
    def publish(self, work: Work, built: BuiltDocument, last: TextPart) -> bool:
        values = {**_identity(work), **asdict(built), "metadata": Jsonb(built.metadata)}
        values["chunking_version"] = work.collection.chunking_version
        with self._session.transaction() as connection:
            connection.execute(_models["share_models"], {"collection_id": work.collection.id})
            if staged_without_vectors(connection, work, 1):
                raise VectorsMissing("The collection got another embedding model meanwhile.")
            published = connection.execute(_sql["publish"], values).fetchone()
            if published is None:
                return self._published_before(connection, values)
            self._save_text(connection, work, last)
            _remove_other_builds(connection, work)
            connection.execute(_sql["delete_other_children"], _identity(work))
            self._record(connection, work.document_id, published["version"], "ready", _said_of(built))
            return True

    @persistent
    def confirm(self, work: Work, attributes: Attributes, *, source_etag: str = "") -> bool:
        values = {
            **_identity(work),
            "chunking_version": work.collection.chunking_version,
            "source_etag": source_etag,
            "title": attributes.title,
            "metadata": Jsonb(attributes.metadata),
        }
        with self._session.transaction() as connection:
            if not connection.execute(_sql["confirm"], values).fetchone():
                return False
            self._record(
                connection, work.document_id, work.version, "unchanged", "same content; nothing was embedded"
            )
            return True

    @persistent
    def release(self, work: Work, *, code: str, detail: str, delay: timedelta, counts: bool = True) -> None:
        values = {**_identity(work), "delay": delay, "uncounted": 0 if counts else 1}
        again = f"{code}: {detail} (again in {round(delay.total_seconds())} s)"
        with self._session.transaction() as connection:
            if connection.execute(_sql["release"], values).fetchone():
                self._record(connection, work.document_id, work.version, "postponed", again)

    @persistent
    def fail(self, work: Work, *, code: str, detail: str, retryable: bool) -> None:
        failure = {
            "code": code,
            "detail": detail,
            "attempts": work.attempts,
            "retryable": retryable,
            "at": datetime.now(UTC).isoformat(),
        }
        with self._session.transaction() as connection:
            if connection.execute(_sql["fail"], {**_identity(work), "failure": Jsonb(failure)}).fetchone():
                if not retryable:  # else the vectors paid for are found again by the next attempt
                    _remove_other_builds(connection, work)
                self._record(connection, work.document_id, work.version, "failed", f"{code}: {detail}")

    @persistent
    def vanish(self, work: Work) -> None:
        with self._session.transaction() as connection:
            self._lock(connection, work)
            if connection.execute(_sql["vanish"], _identity(work)).fetchone():
                self._erase(connection, work)

    @persistent
    def erase(self, work: Work) -> None:
        with self._session.transaction() as connection:
            self._lock(connection, work)
            last = self._erase(connection, work)
        if last:  # on its own, for it waits for every writer of vectors
            with self._session.transaction() as connection:
                vector_index.drop(connection, work.collection.id, work.collection.embedding)

    def _lock(self, connection: Connection, work: Work) -> None:
        connection.execute(_sql["lock_key"], {"collection_id": work.collection.id, "key": work.key})

    def _erase(self, connection: Connection, work: Work) -> bool:
        """Whether the collection went with its last document."""
        values = {**_identity(work), "tenant": self._tenant, "collection_id": work.collection.id}
        row = connection.execute(_sql["erase_document"], values).fetchone()
        if row is None:
            return False
        connection.execute(_sql["redact_queries"], values)
        connection.execute(_sql["erase_answers"], values)
        connection.execute(_sql["redact_passages"], values)
        connection.execute(_sql["erase_stored_responses"], values)
        tombstone = {"key": work.key, "order": row["source_order"], "door": row["door"]}
        connection.execute(_sql["bury"], {**values, **tombstone})
        return connection.execute(_collections["remove_if_empty"], values).fetchone() is not None

    def _published_before(self, connection: Connection, values: dict[str, Any]) -> bool:
        """Whether this very claim was published: the commit went through, its answer was lost."""
        row = connection.execute(_sql["is_published"], values).fetchone()
        if row and row["found"]:
            return True
        connection.execute(_sql["remove_own_build"], values)
        connection.execute(_sql["remove_own_texts"], values)
        return False

    def _save_text(self, connection: Connection, work: Work, part: TextPart) -> None:
        values = {
            **_identity(work),
            "tenant": self._tenant,
            "part": part.number,
            "start": part.start,
            "end": part.end,
            "text": part.text,
            "page_starts": list(part.page_starts),
        }
        connection.execute(_sql["save_text"], values)

    def _record(
        self, connection: Connection, document_id: str, version: int, event: str, detail: str = ""
    ) -> None:
        record(connection, self._tenant, document_id, version=version, event=event, detail=detail)


def _said_of(built: BuiltDocument) -> str:
    said = f"{built.chunk_count} chunks, {built.media_type}, {built.language}"
    if not built.unread_pages:
        return said
    shown = ", ".join(map(str, built.unread_pages[:_MOST_NAMED]))
    more = len(built.unread_pages) - _MOST_NAMED
    return f"{said}; skipped pages without text: {shown}" + (f" and {more} more" if more > 0 else "")


def _identity(work: Work) -> dict[str, Any]:
    return {"document_id": work.document_id, "claim": work.claim, "version": work.version}


def _remove_other_builds(connection: Connection, work: Work) -> None:
    connection.execute(_sql["remove_other_builds"], _identity(work))
    connection.execute(_sql["remove_other_texts"], _identity(work))


def _extend(connection: Connection, work: Work, lease: timedelta) -> bool:
    return connection.execute(_sql["extend"], {**_identity(work), "lease": lease}).fetchone() is not None


def _floats(embedding: HalfVector) -> Vector:
    """Packed: a list of 1,024 Python floats takes 32 KB."""
    return array("f", embedding.to_numpy().astype("f4").tobytes())
