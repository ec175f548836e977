"""Chunks and their vectors as rows."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from pgvector import HalfVector
from psycopg.types.json import Jsonb

from rag.adapters.postgres.connection import Connection
from rag.domain.content import EmbeddedChunk
from rag.domain.documents import Work
from rag.domain.ids import new_id
from rag.text.terms import analyse

_CHUNKS = """
INSERT INTO chunks (tenant_id, chunk_id, collection_id, document_id, build, ordinal, start_offset, end_offset,
                    page, page_breaks, headings, language, text, terms, term_count, embedded_sha256)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_EMBEDDINGS = """
INSERT INTO chunk_embeddings (tenant_id, chunk_id, collection_id, model, embedding)
VALUES (%s, %s, %s, %s, %s)
"""


def insert(
    connection: Connection, tenant: str, work: Work, chunks: Sequence[EmbeddedChunk], language: str
) -> None:
    """In one pipelined batch. COPY would be faster, but refuses tables with row-level security."""
    identified = [(new_id("chk"), item) for item in chunks]
    with connection.cursor() as cursor:
        cursor.executemany(_CHUNKS, [_chunk_row(tenant, work, *pair, language) for pair in identified])
        cursor.executemany(_EMBEDDINGS, [_embedding_row(tenant, work, *pair) for pair in identified])


def _chunk_row(tenant: str, work: Work, chunk_id: str, item: EmbeddedChunk, language: str) -> tuple[Any, ...]:
    chunk = item.chunk
    terms = analyse(f"{item.context}\n{chunk.text}" if item.context else chunk.text, language)
    return (
        tenant,
        chunk_id,
        work.collection.id,
        work.document_id,
        work.claim,
        chunk.ordinal,
        chunk.start,
        chunk.end,
        chunk.page,
        list(chunk.page_breaks),
        list(chunk.headings),
        language,
        chunk.text,
        Jsonb(Counter(terms)),
        len(terms),
        item.embedded_sha256,
    )


def _embedding_row(tenant: str, work: Work, chunk_id: str, item: EmbeddedChunk) -> tuple[Any, ...]:
    vector = HalfVector(list(item.embedding))
    return (tenant, chunk_id, work.collection.id, work.collection.embedding.id, vector)
