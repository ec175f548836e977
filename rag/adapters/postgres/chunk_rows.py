"""Chunks and their vectors as rows."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from pgvector import HalfVector

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

# A tsvector keeps at most 256 positions of a lexeme and none above this one.
_LAST_POSITION = 16_383


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
        tsvector(terms),
        len(terms),
        item.embedded_sha256,
    )


def _embedding_row(tenant: str, work: Work, chunk_id: str, item: EmbeddedChunk) -> tuple[Any, ...]:
    vector = HalfVector(list(item.embedding))
    return (tenant, chunk_id, work.collection.id, work.collection.embedding.id, vector)


def tsvector(terms: Sequence[str]) -> str:
    """The literal of a tsvector in which each term stands as often as it occurs."""
    positions = sorted((term, min(place, _LAST_POSITION)) for place, term in enumerate(terms, start=1))
    return " ".join(_lexemes(positions))


def _lexemes(positions: list[tuple[str, int]]) -> Iterator[str]:
    for term, places in groupby(positions, key=lambda item: item[0]):
        yield f"{quoted(term)}:{','.join(str(place) for _, place in places)}"


def quoted(term: str) -> str:
    """A lexeme as it stands in the text of a tsvector or tsquery."""
    return "'" + term.replace("\\", "\\\\").replace("'", "''") + "'"
