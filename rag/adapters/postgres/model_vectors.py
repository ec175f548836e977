"""Stored chunks and the vectors that further models give them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from psycopg.rows import DictRow

from rag.adapters.postgres import binary_arrays as arrays
from rag.adapters.postgres.binary_arrays import BinaryArray, BinaryArrayDumper
from rag.adapters.postgres.connection import Connection
from rag.adapters.postgres.queries import load
from rag.domain.content import Vector
from rag.domain.documents import EmbeddingModel, Work
from rag.domain.reembedding import StoredChunk

_sql = load("reembedding")


def needed_models(connection: Connection, collection_id: str) -> list[EmbeddingModel]:
    """Of the collection as it is now: the one that serves, and another that is made or kept."""
    rows = connection.execute(_sql["needed"], {"collection_id": collection_id})
    return [EmbeddingModel(id=row["model"], dimensions=row["dimensions"]) for row in rows]


def staged_without_vectors(
    connection: Connection, work: Work, limit: int
) -> tuple[EmbeddingModel, list[StoredChunk]] | None:
    """The first model that staged chunks lack, and the first of them."""
    for model in needed_models(connection, work.collection.id):
        if model == work.collection.embedding:  # with which they were staged
            continue
        wanted = {"document_id": work.document_id, "claim": work.claim, "limit": limit, **_named(model)}
        if rows := connection.execute(_sql["staged_without"], wanted).fetchall():
            return model, [stored_chunk(row) for row in rows]
    return None


def add_vectors(connection: Connection, model: EmbeddingModel, vectors: Mapping[str, Vector]) -> None:
    """To the chunks of these ids that are still there."""
    if not vectors:
        return
    halfvec = connection.adapters.types["halfvec"].oid
    rows = np.asarray(list(vectors.values()), np.float32)
    values: dict[str, str | BinaryArray] = {
        "model": model.id,
        "chunk_ids": arrays.texts(vectors),
        "embeddings": arrays.half_vectors(rows, halfvec),
    }
    with connection.cursor() as cursor:
        cursor.adapters.register_dumper(BinaryArray, BinaryArrayDumper)
        cursor.execute(_sql["add_vectors"], values)


def stored_chunk(row: DictRow) -> StoredChunk:
    return StoredChunk(
        id=row["chunk_id"],
        document_id=row["document_id"],
        ordinal=row["ordinal"],
        text=row["text"],
        headings=tuple(row["headings"]),
        titles=tuple(dict.fromkeys((row["title"], row["own_title"], None))),
        embedded_sha256=bytes(row["embedded_sha256"]),
    )


def stored_chunks(rows: Sequence[DictRow]) -> list[StoredChunk]:
    return [stored_chunk(row) for row in rows]


def _named(model: EmbeddingModel) -> dict[str, Any]:
    return {"model": model.id, "dimensions": model.dimensions}
