"""What readers see of the ledger."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from rag.adapters.postgres.connection import Connection, Session, persistent
from rag.adapters.postgres.paging import decode_cursor, page_of
from rag.adapters.postgres.queries import load
from rag.adapters.postgres.rows import document_from, passage_from
from rag.domain.content import StoredText
from rag.domain.documents import Document, DocumentStatus, HistoryEntry, Metadata
from rag.domain.pages import Page, PageRequest
from rag.domain.search import Passage
from rag.errors import CollectionNotFound, DocumentNotFailed, DocumentNotFound, PageNotFound, TextReplaced

_sql = load("documents")
_collections = load("collections")


class PostgresDocuments:
    def __init__(self, session: Session) -> None:
        self._session = session

    @persistent
    def get(self, document_id: str) -> Document:
        with self._session.transaction() as connection:
            return get_document(connection, document_id)

    def find(self, collection: str, key: str) -> Document:
        with self._session.transaction() as connection:
            row = connection.execute(_sql["find"], {"collection": collection, "key": key}).fetchone()
        if row is None:
            raise DocumentNotFound(f"The collection {collection!r} holds no document with the key {key!r}.")
        return document_from(row)

    def list(
        self,
        collection: str,
        page: PageRequest,
        *,
        status: DocumentStatus | None = None,
        key_prefix: str | None = None,
    ) -> Page[Document]:
        wanted: dict[str, Any] = {
            "after": decode_cursor(page.cursor),
            "limit": page.limit + 1,
            "status": status,
            "key_prefix": key_prefix,
        }
        with self._session.transaction() as connection:
            found = connection.execute(_collections["get"], {"name": collection}).fetchone()
            if found is None:
                raise CollectionNotFound(f"There is no collection named {collection!r}.")
            wanted["collection_id"] = found["collection_id"]
            rows = connection.execute(_sql["list"], wanted).fetchall()
        return page_of(rows, page, document_from, position="document_id")

    def set_metadata(self, document_id: str, metadata: Metadata) -> Document:
        with self._session.transaction() as connection:
            connection.execute(
                _sql["set_metadata"], {"document_id": document_id, "metadata": Jsonb(metadata)}
            )
            return get_document(connection, document_id)

    def retry(self, document_id: str) -> Document:
        with self._session.transaction() as connection:
            changed = connection.execute(_sql["retry"], {"document_id": document_id}).fetchone()
            document = get_document(connection, document_id)
            if not changed:
                raise DocumentNotFailed(
                    f"The document is {document.status}; only a failed document can be retried."
                )
            record(connection, self._session.tenant, document_id, version=document.version, event="retried")
            return document

    def text(self, document_id: str) -> str:
        return "".join(self.stored_text(document_id).parts)

    def stored_text(self, document_id: str) -> StoredText:
        with self._session.transaction() as connection:
            get_document(connection, document_id)
            rows = connection.execute(_sql["text_parts"], {"document_id": document_id}).fetchall()
        if not rows:
            raise DocumentNotFound("The document has no searchable version yet; its text is not known.")
        first, *others = rows
        parts = chain((first["text"],), (self._text_part(document_id, part) for part in others))
        return StoredText(size=sum(row["size"] for row in rows), parts=parts)

    def _text_part(self, document_id: str, part: DictRow) -> str:
        """In a transaction of its own: none lasts as long as a client takes to receive the text."""
        wanted = {"document_id": document_id, "build": part["build"], "part": part["part"]}
        with self._session.transaction() as connection:
            row = connection.execute(_sql["text_part"], wanted).fetchone()
        if row is None:
            raise TextReplaced("The document changed while its text was read. Read it again.")
        return str(row["text"])

    def chunks(self, document_id: str, page: PageRequest) -> Page[Passage]:
        rows = self._rows_after(document_id, page, "chunks", first="-1")
        return page_of(rows, page, passage_from, position="ordinal")

    def history(self, document_id: str, page: PageRequest) -> Page[HistoryEntry]:
        rows = self._rows_after(document_id, page, "history", first="0")
        return page_of(rows, page, _history_entry, position="entry")

    def record(self, document_id: str) -> bytes:
        with self._session.transaction() as connection:
            row = connection.execute(_sql["source_record"], {"document_id": document_id}).fetchone()
        if row is None:
            raise DocumentNotFound("The document did not come as a record of a stream.")
        return bytes(row["record"])

    def _rows_after(
        self, document_id: str, page: PageRequest, query: str, *, first: str
    ) -> Sequence[DictRow]:
        position = decode_cursor(page.cursor, first=first)
        if not position.removeprefix("-").isdecimal() or len(position) > 9:  # noqa: PLR2004 - digits of int4
            raise PageNotFound("The cursor is not one that this list returned.")
        wanted = {"document_id": document_id, "after": int(position), "limit": page.limit + 1}
        with self._session.transaction() as connection:
            get_document(connection, document_id)
            return connection.execute(_sql[query], wanted).fetchall()


def get_document(connection: Connection, document_id: str) -> Document:
    row = connection.execute(_sql["get"], {"document_id": document_id}).fetchone()
    if row is None:
        raise DocumentNotFound(f"There is no document {document_id!r}.")
    return document_from(row)


def record(
    connection: Connection, tenant: str, document_id: str, *, version: int, event: str, detail: str = ""
) -> None:
    """Writes a line of the document's history."""
    connection.execute(
        _sql["record"],
        {
            "tenant": tenant,
            "document_id": document_id,
            "version": version,
            "event": event,
            "detail": detail,
        },
    )


def _history_entry(row: DictRow) -> HistoryEntry:
    return HistoryEntry(at=row["at"], version=row["version"], event=row["event"], detail=row["detail"])
