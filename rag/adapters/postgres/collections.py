"""Collections of one tenant."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from rag.adapters.postgres.connection import Connection, Session, persistent
from rag.adapters.postgres.paging import decode_cursor, page_of
from rag.adapters.postgres.queries import load
from rag.domain.documents import (
    Chunking,
    ChunkingStrategy,
    Collection,
    EmbeddingModel,
    Metadata,
    NewCollection,
)
from rag.domain.ids import new_id
from rag.domain.pages import Page, PageRequest
from rag.errors import CollectionExists, CollectionNotFound

_sql = load("collections")


def collection_from(row: DictRow) -> Collection:
    return Collection(
        id=row["collection_id"],
        name=row["name"],
        description=row["description"],
        language=row["language"],
        chunking=_chunking_from(row["chunking"]),
        chunking_version=row["chunking_version"],
        metadata=row["metadata"],
        embedding=EmbeddingModel(id=row["embedding_model"], dimensions=row["dimensions"]),
        document_count=row["document_count"],
        outdated_count=row["outdated_count"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _chunking_from(stored: Mapping[str, Any]) -> Chunking:
    """Collections made before there were strategies name none."""
    strategy = ChunkingStrategy(stored.get("strategy", ChunkingStrategy.RECURSIVE))
    return Chunking(**{**stored, "strategy": strategy})


class PostgresCollections:
    def __init__(self, session: Session) -> None:
        self._session = session

    def create(self, new: NewCollection) -> Collection:
        with self._session.transaction() as connection:
            if not self._insert(connection, new):
                raise CollectionExists(f"A collection named {new.name!r} exists already.")
            return _get(connection, new.name)

    @persistent
    def ensure(self, new: NewCollection) -> Collection:
        with self._session.transaction() as connection:
            self._insert(connection, new)
            return _get(connection, new.name)

    @persistent
    def get(self, name: str) -> Collection:
        with self._session.transaction() as connection:
            return _get(connection, name)

    def list(self, page: PageRequest) -> Page[Collection]:
        after = decode_cursor(page.cursor)
        with self._session.transaction() as connection:
            rows = connection.execute(_sql["list"], {"after": after, "limit": page.limit + 1}).fetchall()
        return page_of(rows, page, collection_from, position="collection_id")

    def update(
        self,
        name: str,
        *,
        description: str | None = None,
        language: str | None = None,
        chunking: Chunking | None = None,
        metadata: Metadata | None = None,
    ) -> Collection:
        changes: dict[str, Any] = {
            "name": name,
            "description": description,
            "language": language,
            "chunking": Jsonb(asdict(chunking)) if chunking else None,
            "metadata": Jsonb(metadata) if metadata is not None else None,
        }
        with self._session.transaction() as connection:
            connection.execute(_sql["update"], changes)
            return _get(connection, name)

    def delete(self, name: str) -> None:
        with self._session.transaction() as connection:
            row = connection.execute(_sql["hide"], {"name": name}).fetchone()
            if row is None:
                raise unknown_collection(name)
            connection.execute(_sql["delete_documents"], row)
            connection.execute(_sql["remove_if_empty"], row)

    def _insert(self, connection: Connection, new: NewCollection) -> bool:
        connection.execute(_sql["ensure_tenant"], {"tenant": self._session.tenant})
        values = {
            "tenant": self._session.tenant,
            "collection_id": new_id("col"),
            "name": new.name,
            "description": new.description,
            "language": new.language,
            "chunking": Jsonb(asdict(new.chunking)),
            "metadata": Jsonb(new.metadata),
            "embedding_model": new.embedding.id,
            "dimensions": new.embedding.dimensions,
        }
        return connection.execute(_sql["create"], values).fetchone() is not None


def _get(connection: Connection, name: str) -> Collection:
    row = connection.execute(_sql["get"], {"name": name}).fetchone()
    if row is None:
        raise unknown_collection(name)
    return collection_from(row)


def unknown_collection(name: str) -> CollectionNotFound:
    return CollectionNotFound(f"There is no collection named {name!r}. Create it with POST /v1/collections.")
