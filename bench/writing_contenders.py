"""Acervo's ledger, and the raw COPY that it is measured by."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Protocol
from uuid import uuid4

import numpy as np
import psycopg
from pgvector import HalfVector
from pgvector.psycopg import register_vector
from psycopg.sql import SQL
from psycopg.types.numeric import Int4

from bench.writing_chunks import DIMENSIONS
from rag.adapters.postgres import binary_arrays as arrays
from rag.adapters.postgres.migrate import migrate
from rag.adapters.postgres.store import PostgresStore
from rag.domain.content import EmbeddedChunk
from rag.domain.documents import Collection, EmbeddingModel, NewCollection, SourceEvent, SourceKind, Work

_LEASE: Final = timedelta(hours=1)
_HNSW: Final = SQL("CREATE INDEX {} ON {} USING hnsw ((embedding::halfvec({})) halfvec_cosine_ops)")


class Contender(Protocol):
    def empty(self, *, hnsw: bool) -> None:
        """Begins anew, with an HNSW index or without."""

    def prepare(self, group: Sequence[EmbeddedChunk]) -> None:
        """What comes before, and is not measured."""

    def write(self, group: Sequence[EmbeddedChunk]) -> None: ...

    def close(self) -> None: ...


class Acervo:
    """Stages each group as a document of its own: as acervo_app, under row-level security, with all keys."""

    def __init__(self, conninfo: str) -> None:
        self._store = PostgresStore(conninfo)
        self._tenant = self._store.tenant("bench")
        self._owner = psycopg.connect(conninfo, autocommit=True, options="-c search_path=acervo,public")
        self._work: Work | None = None

    def empty(self, *, hnsw: bool) -> None:
        self._owner.execute("TRUNCATE documents, chunk_embeddings CASCADE")
        self._owner.execute("DROP INDEX IF EXISTS bench_hnsw")
        if hnsw:
            self._owner.execute(_HNSW.format(SQL("bench_hnsw"), SQL("chunk_embeddings"), DIMENSIONS))

    def prepare(self, group: Sequence[EmbeddedChunk]) -> None:  # noqa: ARG002 - a new document
        key = uuid4().hex
        event = SourceEvent(
            tenant="bench",
            collection="bench",
            key=key,
            operation="upsert",
            kind=SourceKind.FOLDER,
            uri=f"folder:bench/{key}",
            order="1",
        )
        self._tenant.ledger.accept(event, self._collection())
        self._work = self._tenant.ledger.claim(_LEASE)

    def _collection(self) -> Collection:
        model = EmbeddingModel(id="bench", dimensions=DIMENSIONS)
        return self._tenant.collections.ensure(NewCollection(name="bench", embedding=model))

    def write(self, group: Sequence[EmbeddedChunk]) -> None:
        if self._work is None or not self._tenant.ledger.stage(self._work, group, "en", lease=_LEASE):
            raise RuntimeError("nothing was staged")

    def close(self) -> None:
        self._store.close()
        self._owner.close()


class Copy:
    """Binary COPY of id, text and vector into a table without any key: the least a vector store writes."""

    def __init__(self, conninfo: str) -> None:
        self._connection = psycopg.connect(conninfo, autocommit=True)
        self._connection.execute("CREATE EXTENSION vector")
        register_vector(self._connection)

    def empty(self, *, hnsw: bool) -> None:
        self._connection.execute("DROP TABLE IF EXISTS copied")
        self._connection.execute("CREATE TABLE copied (id text, text text, embedding halfvec)")
        if hnsw:
            self._connection.execute(_HNSW.format(SQL("copied_hnsw"), SQL("copied"), DIMENSIONS))

    def prepare(self, group: Sequence[EmbeddedChunk]) -> None:
        pass

    def write(self, group: Sequence[EmbeddedChunk]) -> None:
        with (
            self._connection.cursor() as cursor,
            cursor.copy("COPY copied FROM STDIN (FORMAT binary)") as copy,
        ):
            copy.set_types(["text", "text", "halfvec"])
            for item in group:
                copy.write_row((uuid4().hex, item.chunk.text, HalfVector(np.asarray(item.embedding))))

    def close(self) -> None:
        self._connection.close()


class CopyOfEverything:
    """Binary COPY of every column that Acervo stores, into its two tables without key, policy or index."""

    def __init__(self, conninfo: str) -> None:
        migrate(conninfo)
        self._connection = psycopg.connect(
            conninfo, autocommit=True, options="-c search_path=copied,acervo,public"
        )
        register_vector(self._connection)
        self._connection.adapters.register_dumper(arrays.BinaryArray, arrays.BinaryArrayDumper)

    def empty(self, *, hnsw: bool) -> None:
        self._connection.execute("DROP SCHEMA IF EXISTS copied CASCADE")
        self._connection.execute("CREATE SCHEMA copied")
        for table in ("chunks", "chunk_embeddings"):
            self._connection.execute(
                SQL(
                    "CREATE TABLE copied.{0} (LIKE acervo.{0} INCLUDING STORAGE)"
                    " WITH (toast_tuple_target = 8160)"
                ).format(SQL(table))
            )
        if hnsw:
            self._connection.execute(_HNSW.format(SQL("copied_hnsw"), SQL("chunk_embeddings"), DIMENSIONS))

    def prepare(self, group: Sequence[EmbeddedChunk]) -> None:
        pass

    def write(self, group: Sequence[EmbeddedChunk]) -> None:
        document = uuid4().hex
        ids = [uuid4().hex for _ in group]
        with self._connection.transaction(), self._connection.cursor() as cursor:
            with cursor.copy("COPY chunks FROM STDIN (FORMAT binary)") as copy:
                for chunk_id, item in zip(ids, group, strict=True):
                    copy.write_row(_chunk_row(chunk_id, document, item))
            with cursor.copy("COPY chunk_embeddings FROM STDIN (FORMAT binary)") as copy:
                for chunk_id, item in zip(ids, group, strict=True):
                    copy.write_row(
                        ("bench", chunk_id, document, "bench", HalfVector(np.asarray(item.embedding)))
                    )

    def close(self) -> None:
        self._connection.close()


def _chunk_row(chunk_id: str, document: str, item: EmbeddedChunk) -> tuple[object, ...]:
    """In the order of the table's columns."""
    chunk = item.chunk
    return (
        "bench",
        chunk_id,
        document,
        document,
        Int4(1),
        Int4(chunk.ordinal),
        Int4(chunk.start),
        Int4(chunk.end),
        chunk.page,
        arrays.integers(chunk.page_breaks),
        arrays.texts(chunk.headings),
        "en",
        chunk.text,
        arrays.bigints(item.terms),
        Int4(len(item.terms)),
        item.embedded_sha256,
    )
