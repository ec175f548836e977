"""What the write path does to documents: every method is one short transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from pgvector import HalfVector
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from rag.adapters.postgres import chunk_rows
from rag.adapters.postgres.collections import collection_from
from rag.adapters.postgres.connection import Connection, Session
from rag.adapters.postgres.documents import get_document, record
from rag.adapters.postgres.queries import load
from rag.domain.content import EmbeddedChunk, ExtractedText, Vector
from rag.domain.documents import (
    Attributes,
    BuiltDocument,
    Collection,
    Document,
    DocumentStatus,
    EmbeddingModel,
    SourceEvent,
    Work,
)
from rag.domain.ids import new_id

_sql = load("ledger")
_collections = load("collections")


class PostgresLedger:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._tenant = session.tenant

    def accept(self, event: SourceEvent, collection: Collection) -> Document | None:
        values = {
            **asdict(event),
            **asdict(event.attributes),
            "metadata": Jsonb(event.attributes.metadata),
            "collection_id": collection.id,
            "tenant": self._tenant,
        }
        with self._session.transaction() as connection:
            connection.execute(_sql["lock_key"], values)
            known = connection.execute(_sql["known"], values).fetchone()
            document_id = (
                self._accept_known(connection, values, known)
                if known
                else self._accept_new(connection, values)
            )
            return get_document(connection, document_id) if document_id else None

    def known_etags(self) -> Mapping[tuple[str, str], str]:
        with self._session.transaction() as connection:
            rows = connection.execute(_sql["etags"]).fetchall()
        return {(row["collection"], row["key"]): row["source_etag"] for row in rows}

    def claim(self, lease: timedelta) -> Work | None:
        with self._session.transaction() as connection:
            row = connection.execute(_sql["claim"], {"lease": lease}).fetchone()
            if row is None:
                return None
            found = connection.execute(_sql["collection"], row).fetchone()
            if found is None:
                raise LookupError(f"document {row['document_id']} stands without its collection")
            return _work_from(row, collection_from(found))

    def renew(self, work: Work, lease: timedelta) -> bool:
        with self._session.transaction() as connection:
            return connection.execute(_sql["extend"], {**_identity(work), "lease": lease}).rowcount == 1

    def known_embeddings(self, model: EmbeddingModel, hashes: Sequence[bytes]) -> Mapping[bytes, Vector]:
        with self._session.transaction() as connection:
            rows = connection.execute(_sql["embeddings"], {"hashes": list(hashes), "model": model.id})
            return {row["embedded_sha256"]: _floats(row["embedding"]) for row in rows}

    def stage(self, work: Work, chunks: Sequence[EmbeddedChunk], language: str) -> None:
        with self._session.transaction() as connection:
            chunk_rows.insert(connection, self._tenant, work, chunks, language)

    def publish(self, work: Work, built: BuiltDocument, extracted: ExtractedText) -> bool:
        values = {**_identity(work), **asdict(built), "metadata": Jsonb(built.metadata)}
        with self._session.transaction() as connection:
            if not connection.execute(_sql["publish"], values).rowcount:
                connection.execute(_sql["remove_own_build"], values)
                return False
            text = {
                "tenant": self._tenant,
                "text": extracted.text,
                "page_starts": list(extracted.page_starts),
            }
            connection.execute(_sql["save_text"], {**values, **text})
            connection.execute(_sql["remove_other_builds"], values)
            detail = f"{built.chunk_count} chunks, {built.media_type}, {built.language}"
            self._record(connection, work.document_id, work.version, "ready", detail)
            return True

    def confirm(self, work: Work, attributes: Attributes) -> bool:
        values = {
            **_identity(work),
            "title": attributes.title,
            "metadata": Jsonb(attributes.metadata),
        }
        with self._session.transaction() as connection:
            if not connection.execute(_sql["confirm"], values).rowcount:
                return False
            self._record(
                connection, work.document_id, work.version, "unchanged", "same content; nothing was embedded"
            )
            return True

    def release(self, work: Work, *, code: str, detail: str, delay: timedelta) -> None:
        with self._session.transaction() as connection:
            if connection.execute(_sql["release"], {**_identity(work), "delay": delay}).rowcount:
                seconds = round(delay.total_seconds())
                self._record(
                    connection,
                    work.document_id,
                    work.version,
                    "postponed",
                    f"{code}: {detail} (again in {seconds} s)",
                )

    def fail(self, work: Work, *, code: str, detail: str, retryable: bool) -> None:
        failure = {
            "code": code,
            "detail": detail,
            "attempts": work.attempts,
            "retryable": retryable,
            "at": datetime.now(UTC).isoformat(),
        }
        with self._session.transaction() as connection:
            if connection.execute(_sql["fail"], {**_identity(work), "failure": Jsonb(failure)}).rowcount:
                connection.execute(_sql["remove_other_builds"], _identity(work))
                self._record(connection, work.document_id, work.version, "failed", f"{code}: {detail}")

    def erase(self, work: Work) -> None:
        values = {**_identity(work), "tenant": self._tenant, "collection_id": work.collection.id}
        with self._session.transaction() as connection:
            connection.execute(_sql["lock_key"], {**values, "key": work.key})
            row = connection.execute(_sql["erase_document"], values).fetchone()
            if row is None:
                return
            connection.execute(_sql["erase_answers"], values)
            connection.execute(_sql["redact_passages"], values)
            connection.execute(_sql["erase_stored_responses"], values)
            connection.execute(_sql["bury"], {**values, "key": work.key, "order": row["source_order"]})
            connection.execute(_collections["remove_if_empty"], values)

    def _accept_new(self, connection: Connection, values: dict[str, Any]) -> str | None:
        if values["operation"] == "delete":
            connection.execute(_sql["bury"], values)
            return None
        tombstone = connection.execute(_sql["tombstone"], values).fetchone()
        if tombstone and tombstone["source_order"] >= values["order"]:
            return None
        document_id = new_id("doc")
        connection.execute(_sql["insert"], {**values, "document_id": document_id})
        connection.execute(_sql["unearth"], values)
        self._record(connection, document_id, 1, "accepted", values["uri"])
        return document_id

    def _accept_known(self, connection: Connection, values: dict[str, Any], known: DictRow) -> str:
        document_id = str(known["document_id"])
        values = {**values, "document_id": document_id}
        version = known["latest_version"] + 1
        if values["order"] <= known["source_order"]:
            return document_id  # a repeated or late event: a later one is known
        if values["operation"] == "delete":
            connection.execute(_sql["mark_deleting"], values)
            self._record(connection, document_id, version, "deleting")
        elif values["etag"] == known["source_etag"] and known["status"] != DocumentStatus.DELETING:
            connection.execute(_sql["touch"], values)
        else:
            connection.execute(_sql["renew_version"], values)
            self._record(connection, document_id, version, "accepted", values["uri"])
        return document_id

    def _record(
        self, connection: Connection, document_id: str, version: int, event: str, detail: str = ""
    ) -> None:
        record(connection, self._tenant, document_id, version=version, event=event, detail=detail)


def _identity(work: Work) -> dict[str, Any]:
    return {"document_id": work.document_id, "claim": work.claim, "version": work.version}


def _floats(embedding: HalfVector) -> Vector:
    return embedding.to_list()


def _work_from(row: DictRow, collection: Collection) -> Work:
    return Work(
        document_id=row["document_id"],
        collection=collection,
        key=row["key"],
        version=row["latest_version"],
        claim=row["claim"],
        deleting=row["status"] == DocumentStatus.DELETING,
        attempts=row["attempts"],
        source_uri=row["source_uri"],
        has_searchable_version=row["build"] > 0,
        content_sha256=row["content_sha256"],
        recipe=row["recipe"],
    )
