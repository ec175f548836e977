"""The HNSW index of a collection: made when looking at every vector becomes slower than the index."""

from typing import Final

from rag.adapters.postgres.connection import Connection
from rag.adapters.postgres.queries import load
from rag.domain.documents import EmbeddingModel

_sql = load("vectors")

# Folded chunks: over fewer, looking at every vector costs no more than the rest of a search.
WORTHWHILE: Final = 10_000


def ensure(connection: Connection, collection_id: str, *, worthwhile: int = WORTHWHILE) -> None:
    """Writers wait while it is made: seconds, since the collection has just become large enough."""
    connection.execute(_sql["ensure"], {"collection_id": collection_id, "worthwhile": worthwhile})


def ensure_other(
    connection: Connection, collection_id: str, model: EmbeddingModel, *, worthwhile: int = WORTHWHILE
) -> None:
    """For vectors that are still to come: a model that is to serve must be ready for it."""
    values = {"collection_id": collection_id, "model": model.id, "dimensions": model.dimensions}
    connection.execute(_sql["ensure_other"], {**values, "worthwhile": worthwhile})


def drop(connection: Connection, collection_id: str, model: EmbeddingModel) -> None:
    values = {"collection_id": collection_id, "model": model.id, "dimensions": model.dimensions}
    connection.execute(_sql["drop"], values)
