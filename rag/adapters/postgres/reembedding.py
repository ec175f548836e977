"""A collection's second embedding model: started, made in steps, switched to, kept, given up."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from psycopg.rows import DictRow

from rag.adapters.postgres import vector_index
from rag.adapters.postgres.connection import Connection, Session, persistent
from rag.adapters.postgres.model_vectors import add_vectors, stored_chunks
from rag.adapters.postgres.queries import load
from rag.domain.content import Vector
from rag.domain.documents import EmbeddingModel
from rag.domain.reembedding import Reembedding, ReembeddingStatus, ReembeddingWork, StoredChunk
from rag.errors import CollectionNotFound, ReembeddingConflict, ReembeddingNotFound

_sql = load("reembedding")
_collections = load("collections")
_BATCH: Final = 1000
_BEGINNING: Final = {"after_document": "", "after_ordinal": -1}


class PostgresReembedding:
    def __init__(self, session: Session) -> None:
        self._session = session

    def start(self, collection: str, model: EmbeddingModel) -> Reembedding:
        with self._changing(collection) as (connection, found):
            if (found["embedding_model"], found["dimensions"]) == (model.id, model.dimensions):
                raise ReembeddingConflict(f"{collection!r} is embedded with {_described(model)} already.")
            values = {"tenant": self._session.tenant, **_named(model), **_of(found)}
            if not connection.execute(_sql["start"], values).fetchone():
                other = _status(connection, found)
                raise ReembeddingConflict(
                    f"{collection!r} has a second model already: {_described(other.other)}, {other.status}."
                    " Confirm or cancel it first, and let its vectors go."
                )
            started = _status(connection, found)
        # Not under the locks of the above: it waits for every writer.
        with self._session.transaction() as connection:
            vector_index.ensure_other(connection, found["collection_id"], model)
        return started

    def get(self, collection: str) -> Reembedding:
        with self._session.transaction() as connection:
            return _status(connection, _collection(connection, collection))

    def switch(self, collection: str) -> Reembedding:
        with self._changing(collection) as (connection, found):
            state = _expect(connection, found, ReembeddingStatus.EMBEDDING)
            lacking = state.chunks - state.embedded
            if not lacking:
                return _exchange(connection, found, state, ReembeddingStatus.SWITCHED)
            connection.execute(_sql["look_again"], _of(found))
        raise ReembeddingConflict(
            f"{lacking:,} of {state.chunks:,} chunks still lack a vector of {_described(state.other)};"
            " they are embedded in the background."
        )

    def roll_back(self, collection: str) -> Reembedding:
        with self._changing(collection) as (connection, found):
            state = _expect(connection, found, ReembeddingStatus.SWITCHED)
            return _exchange(connection, found, state, ReembeddingStatus.EMBEDDING)

    def discard(self, collection: str, *, switched: bool, delay: timedelta) -> Reembedding:
        expected = ReembeddingStatus.SWITCHED if switched else ReembeddingStatus.EMBEDDING
        with self._changing(collection) as (connection, found):
            _expect(connection, found, expected)
            connection.execute(_sql["discard"], {"delay": delay, **_of(found)})
            return _status(connection, found)

    def texts(self, collection: str) -> Iterator[Sequence[StoredChunk]]:
        with self._session.transaction() as connection:
            wanted = {"limit": _BATCH, **_of(_collection(connection, collection)), **_BEGINNING}
        while True:
            with self._session.transaction() as connection:
                batch = stored_chunks(connection.execute(_sql["searchable"], wanted).fetchall())
            if not batch:
                return
            yield batch
            wanted |= {"after_document": batch[-1].document_id, "after_ordinal": batch[-1].ordinal}

    @persistent
    def claim(self, lease: timedelta) -> ReembeddingWork | None:
        with self._session.transaction() as connection:
            row = connection.execute(_sql["claim"], {"lease": lease}).fetchone()
        return _work_from(row) if row else None

    @persistent
    def unembedded(self, work: ReembeddingWork, *, limit: int) -> Sequence[StoredChunk]:
        with self._session.transaction() as connection:
            reached = connection.execute(_sql["reached"], _identity(work)).fetchone()
            if reached is None:
                return []
            wanted = {**_identity(work), **_named(work.model), **reached, "limit": limit}
            return stored_chunks(connection.execute(_sql["searchable_without"], wanted).fetchall())

    @persistent
    def save(self, work: ReembeddingWork, vectors: Mapping[str, Vector], *, lease: timedelta) -> bool:
        with self._session.transaction() as connection:
            if not connection.execute(_sql["extend"], {**_identity(work), "lease": lease}).fetchone():
                return False
            add_vectors(connection, work.model, vectors)
            return True

    @persistent
    def remove_vectors(self, work: ReembeddingWork, *, limit: int) -> int:
        values = {**_identity(work), **_named(work.model), "limit": limit}
        # By itself: whoever drops an index keeps searches out until its transaction ends.
        with self._session.transaction() as connection:
            vector_index.drop(connection, work.collection_id, work.model)
        with self._session.transaction() as connection:
            row = connection.execute(_sql["remove_vectors"], values).fetchone()
            connection.execute(_sql["finish"], values)
            return int(row["removed"]) if row else 0

    @persistent
    def release(
        self,
        work: ReembeddingWork,
        *,
        last: StoredChunk | None = None,
        complete: bool = False,
        delay: timedelta = timedelta(),
        failure: str | None = None,
    ) -> None:
        values = {
            **_identity(work),
            "last_document": last.document_id if last else None,
            "last_ordinal": last.ordinal if last else None,
            "complete": complete,
            "delay": delay,
            "failure": failure,
        }
        with self._session.transaction() as connection:
            connection.execute(_sql["release"], values)

    @contextmanager
    def _changing(self, collection: str) -> Iterator[tuple[Connection, DictRow]]:
        """While nobody publishes into the collection or changes its models."""
        with self._session.transaction() as connection:
            connection.execute(_sql["lock_models"], _of(_collection(connection, collection)))
            yield connection, _collection(connection, collection)


def _collection(connection: Connection, name: str) -> DictRow:
    row = connection.execute(_collections["get"], {"name": name}).fetchone()
    if row is None:
        raise CollectionNotFound(f"There is no collection named {name!r}.")
    return row


def _expect(connection: Connection, found: DictRow, status: ReembeddingStatus) -> Reembedding:
    state = _status(connection, found)
    if state.status is not status:
        raise ReembeddingConflict(
            f"The second model of {state.collection!r}, {_described(state.other)}, is {state.status}, not"
            f" {status}: there is nothing to do this to."
        )
    return state


def _exchange(
    connection: Connection, found: DictRow, state: Reembedding, status: ReembeddingStatus
) -> Reembedding:
    """The other model serves, and the one that served becomes the other."""
    connection.execute(_sql["serve"], {**_named(state.other), **_of(found)})
    connection.execute(_sql["keep"], {**_named(state.serving), **_of(found), "status": status})
    return _status(connection, found)


def _status(connection: Connection, found: DictRow) -> Reembedding:
    row = connection.execute(_sql["get"], _of(found)).fetchone()
    if row is None:
        raise ReembeddingNotFound(f"The collection {found['name']!r} has no second embedding model.")
    counts = connection.execute(_sql["progress"], row).fetchone() or {}
    return Reembedding(
        collection=row["name"],
        serving=EmbeddingModel(id=row["serving_model"], dimensions=row["serving_dimensions"]),
        other=EmbeddingModel(id=row["model"], dimensions=row["dimensions"]),
        status=ReembeddingStatus(row["status"]),
        chunks=counts["chunks"],
        embedded=counts["embedded"],
        complete=row["complete"],
        failure=row["failure"],
    )


def _work_from(row: DictRow) -> ReembeddingWork:
    return ReembeddingWork(
        collection_id=row["collection_id"],
        claim=row["claim"],
        model=EmbeddingModel(id=row["model"], dimensions=row["dimensions"]),
        discards=row["status"] == ReembeddingStatus.DISCARDING,
    )


def _identity(work: ReembeddingWork) -> dict[str, Any]:
    return {"collection_id": work.collection_id, "claim": work.claim}


def _of(found: DictRow) -> dict[str, Any]:
    return {"collection_id": found["collection_id"]}


def _named(model: EmbeddingModel) -> dict[str, Any]:
    return {"model": model.id, "dimensions": model.dimensions}


def _described(model: EmbeddingModel) -> str:
    return f"{model.id} ({model.dimensions} dimensions)"
