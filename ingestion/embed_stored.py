"""Chunks that are stored already, embedded with a further model."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing

from ingestion.analysis import context_of, text_in_context
from rag.domain.content import Vector
from rag.domain.documents import EmbeddingModel
from rag.domain.reembedding import StoredChunk
from rag.ports import Embedder

# Chunks read from the store at a time.
AT_ONCE = 1000

Known = Callable[[EmbeddingModel, Sequence[bytes]], Mapping[bytes, Vector]]


def embed_stored(
    embedder: Embedder, chunks: Sequence[StoredChunk], *, known: Known, title: str | None = None
) -> Iterator[Mapping[str, Vector]]:
    """Vectors by chunk id as they come, nothing at least every few seconds; known ones are found again.

    `title` is tried before those that the chunks come with.
    """
    found = known(embedder.model, [chunk.embedded_sha256 for chunk in chunks])
    yield {chunk.id: found[chunk.embedded_sha256] for chunk in chunks if chunk.embedded_sha256 in found}
    missing = [chunk for chunk in chunks if chunk.embedded_sha256 not in found]
    texts = [embedded_text(chunk, title) for chunk in missing]
    with closing(embedder.embed_stream(texts)) as stream:
        for vectors in stream:
            yield {missing[number].id: vector for number, vector in vectors}


def embedded_text(chunk: StoredChunk, title: str | None = None) -> str:
    """What was embedded when the chunk was made, or, if its document has a new title since, what would be."""
    texts = [_text(chunk, each) for each in (title, *chunk.titles)]
    matching = (text for text in texts if hashlib.sha256(text.encode()).digest() == chunk.embedded_sha256)
    return next(matching, _text(chunk, title or chunk.titles[0]))


def _text(chunk: StoredChunk, title: str | None) -> str:
    return text_in_context(chunk.text, context_of(chunk.text, chunk.headings, title))
