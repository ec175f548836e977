"""Chunks and their vectors as rows."""

from collections.abc import Iterable, Sequence
from itertools import accumulate, chain, islice, product
from typing import Final

import numpy as np

from rag.adapters.postgres import binary_arrays as arrays
from rag.adapters.postgres.binary_arrays import BinaryArray, BinaryArrayDumper
from rag.adapters.postgres.connection import Connection
from rag.adapters.postgres.queries import load
from rag.domain.content import EmbeddedChunk
from rag.domain.documents import Work
from rag.domain.ids import ALPHABET, new_id
from rag.text.term_codes import MAX_COUNT

_sql = load("chunks")
# The server writes one batch while the next is made: a tenth faster than one statement for 500 (2026-11).
_BATCH: Final = 100


def insert(
    connection: Connection, tenant: str, work: Work, chunks: Sequence[EmbeddedChunk], language: str
) -> None:
    """In one round trip. A chunk that is there already stays as it is, with its vector.

    The transaction must hold the document's row, so that nobody stages under the same claim meanwhile.
    """
    constants = {
        "tenant": tenant,
        "collection_id": work.collection.id,
        "document_id": work.document_id,
        "claim": work.claim,
        "language": language,
        "model": work.collection.embedding.id,
    }
    halfvec = connection.adapters.types["halfvec"].oid
    with connection.pipeline(), connection.cursor() as cursor:
        cursor.adapters.register_dumper(BinaryArray, BinaryArrayDumper)
        ordinals = arrays.integers([item.chunk.ordinal for item in chunks])
        cursor.execute(_sql["note_staged"], {**constants, "ordinals": ordinals}, prepare=False)
        for start in range(0, len(chunks), _BATCH):
            batch = chunks[start : start + _BATCH]
            vectors = arrays.half_vectors(np.asarray([item.embedding for item in batch], np.float32), halfvec)
            columns = {**_columns(batch), **_terms(batch), "embeddings": vectors}
            cursor.execute(_sql["insert"], {**constants, **columns})


def _columns(batch: Sequence[EmbeddedChunk]) -> dict[str, BinaryArray]:
    chunks = [item.chunk for item in batch]
    return {
        "chunk_ids": arrays.texts(_new_ids(len(chunks))),
        "ordinals": arrays.integers([chunk.ordinal for chunk in chunks]),
        "starts": arrays.integers([chunk.start for chunk in chunks]),
        "ends": arrays.integers([chunk.end for chunk in chunks]),
        "pages": arrays.integers([chunk.page or 0 for chunk in chunks]),
        "page_breaks": arrays.integers(list(chain.from_iterable(chunk.page_breaks for chunk in chunks))),
        **_places("break", (len(chunk.page_breaks) for chunk in chunks)),
        "headings": arrays.texts(chain.from_iterable(chunk.headings for chunk in chunks)),
        **_places("heading", (len(chunk.headings) for chunk in chunks)),
        "texts": arrays.texts(chunk.text for chunk in chunks),
        "embedded_sha256": arrays.binaries([item.embedded_sha256 for item in batch]),
    }


def _terms(batch: Sequence[EmbeddedChunk]) -> dict[str, BinaryArray]:
    codes = np.concatenate([np.asarray(item.terms, np.int64) for item in batch])
    ends = list(accumulate((len(item.terms) for item in batch), initial=0))
    occurrences = np.concatenate(([0], np.cumsum(codes & MAX_COUNT)))[ends]
    return {
        "terms": arrays.bigints(codes),
        **_places("term", (len(item.terms) for item in batch)),
        "term_counts": arrays.integers(np.diff(occurrences)),
    }


def _places(name: str, lengths: Iterable[int]) -> dict[str, BinaryArray]:
    """Where the list of each chunk begins and ends in the array of all, counted from 1."""
    ends = list(accumulate(lengths, initial=0))
    firsts = arrays.integers([end + 1 for end in ends[:-1]])
    return {f"first_{name}s": firsts, f"last_{name}s": arrays.integers(ends[1:])}


def _new_ids(count: int) -> list[str]:
    """Ids that differ in their last two characters, for less than one of their own would cost."""
    common = new_id("chk")[:-2]
    return [common + first + second for first, second in islice(product(ALPHABET, repeat=2), count)]
