"""The search indexes of collections, seen and rebuilt by an operator."""

from typing import Any

from rag.adapters.postgres import keyword_index, vector_index
from rag.adapters.postgres.collections import unknown_collection
from rag.adapters.postgres.connection import Connection, Session
from rag.adapters.postgres.queries import load
from rag.domain.documents import EmbeddingModel
from rag.domain.search import IndexStatus

_sql = load("vectors")


class PostgresIndexes:
    def __init__(self, session: Session) -> None:
        self._session = session

    def status(self, name: str) -> IndexStatus:
        with self._session.transaction() as connection:
            row = _one(connection, "status", name)
        return IndexStatus(
            collection=row["name"],
            chunks=row["chunks"],
            waiting=row["waiting"],
            segments=row["segments"],
            vector_index=row["vector_index"],
            progress=row["progress"],
            automatic=row["indexes_vectors"],
        )

    def drop_vectors(self, name: str) -> None:
        with self._session.transaction() as connection:
            row = _one(connection, "allow", name, allowed=False)
        with self._session.transaction() as connection:
            model = EmbeddingModel(id=row["model"], dimensions=row["dimensions"])
            vector_index.drop(connection, row["collection_id"], model)

    def fold(self, name: str) -> bool:
        with self._session.transaction() as connection:
            row = _one(connection, "status", name)
            if not row["waiting"]:
                return False
            return keyword_index.fold(connection, self._session.tenant, row["collection_id"])

    def build_vectors(self, name: str, *, megabytes: int | None) -> None:
        with self._session.transaction() as connection:
            row = _one(connection, "allow", name, allowed=True)
        with self._session.transaction() as connection:
            if megabytes:
                connection.execute(_sql["memory"], {"memory": f"{megabytes}MB"})
            vector_index.ensure(connection, row["collection_id"], worthwhile=1)


def _one(connection: Connection, statement: str, name: str, **values: Any) -> dict[str, Any]:
    row = connection.execute(_sql[statement], {"name": name, **values}).fetchone()
    if row is None:
        raise unknown_collection(name)
    return row
