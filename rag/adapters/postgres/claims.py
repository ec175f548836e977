"""Which document a worker gets next, and what it is told about it."""

from datetime import timedelta

from psycopg.rows import DictRow

from rag.adapters.postgres.collections import collection_from
from rag.adapters.postgres.connection import Connection
from rag.adapters.postgres.documents import record
from rag.adapters.postgres.queries import load
from rag.domain.documents import DocumentStatus, EmbeddingModel, Work

_sql = load("ledger")


def claim(connection: Connection, tenant: str, lease: timedelta, document_id: str | None) -> Work | None:
    row = _claimed(connection, tenant, lease, document_id)
    if row is None:
        return None
    collections, records = (connection.execute(_sql[name], row) for name in ("collection", "source_record"))
    found, kept = collections.fetchone(), records.fetchone()
    if found is None:
        raise LookupError(f"document {row['document_id']} stands without its collection")
    return _work_from(tenant, row, found, kept["record"] if kept else None)


def _claimed(
    connection: Connection, tenant: str, lease: timedelta, document_id: str | None
) -> DictRow | None:
    """Outdated documents come last: what is new is not to wait for them."""
    values = {"lease": lease, "document_id": document_id}
    row = connection.execute(_sql["claim_one" if document_id else "claim"], values).fetchone()
    if row is None and document_id is None:
        row = connection.execute(_sql["claim_outdated"], values).fetchone()
        if row:
            detail = "the collection's chunking changed"
            record(
                connection,
                tenant,
                row["document_id"],
                version=row["version"],
                event="outdated",
                detail=detail,
            )
    return row


def _work_from(tenant: str, row: DictRow, found: DictRow, kept: bytes | None) -> Work:
    return Work(
        tenant=tenant,
        document_id=row["document_id"],
        collection=collection_from(found),
        key=row["key"],
        version=row["latest_version"],
        claim=row["claim"],
        deleting=row["status"] == DocumentStatus.DELETING,
        attempts=row["attempts"],
        source_uri=row["source_uri"],
        record=kept,
        has_searchable_version=row["build"] > 0,
        renews_chunks=row["build"] > 0 and row["version"] == row["latest_version"],
        content_sha256=row["content_sha256"],
        recipe=row["recipe"],
        other_embedding=_other_embedding(found),
    )


def _other_embedding(found: DictRow) -> EmbeddingModel | None:
    if found["other_model"] is None:
        return None
    return EmbeddingModel(id=found["other_model"], dimensions=found["other_dimensions"])
