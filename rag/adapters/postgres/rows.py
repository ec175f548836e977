"""Rows as domain values."""

from datetime import datetime
from typing import Any

from psycopg.rows import DictRow

from rag.domain.documents import Document, DocumentStatus, Failure, SourceKind
from rag.domain.search import Locator, Passage, PassageDocument


def document_from(row: DictRow) -> Document:
    return Document(
        id=row["document_id"],
        collection=row["collection"],
        key=row["key"],
        title=row["title"],
        media_type=row["media_type"],
        size=row["size"],
        content_sha256=row["content_sha256"],
        version=row["version"],
        status=DocumentStatus(row["status"]),
        failure=failure_from(row["failure"]),
        metadata=row["metadata"],
        language=row["language"],
        chunk_count=row["chunk_count"],
        page_count=row["page_count"],
        source_kind=SourceKind(row["source_kind"]),
        source_uri=row["source_uri"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        ready_at=row["ready_at"],
        parent_id=row["parent_id"],
    )


def failure_from(value: dict[str, Any] | None) -> Failure | None:
    if value is None:
        return None
    return Failure(**{**value, "at": datetime.fromisoformat(value["at"])})


def passage_from(row: DictRow) -> Passage:
    return Passage(
        chunk_id=row["chunk_id"],
        document=PassageDocument(
            id=row["document_id"],
            key=row["key"],
            title=row["title"],
            version=row["version"],
            collection=row["collection"],
            metadata=row["metadata"],
        ),
        text=row["text"],
        language=row["language"],
        locator=Locator(
            start=row["start_offset"],
            end=row["end_offset"],
            page=row["page"],
            page_breaks=tuple(row["page_breaks"]),
            heading=" › ".join(row["headings"]) or None,
        ),
        ordinal=row["ordinal"],
    )
