"""The posting lists of a collection: kept up with its documents by folding in what came and what left."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from psycopg.rows import DictRow

from rag.adapters.postgres.connection import Connection
from rag.adapters.postgres.queries import load

_sql = load("keyword")

# Chunks that a search scans, one by one, before they are folded in.
MOST_FRESH: Final = 2_000
# Documents that left and that a search looks at one by one.
MOST_REMOVALS: Final = 256
# Chunks of a segment that is not merged any more: what one transaction rewrites.
MOST_MERGED: Final = 100_000
# A segment of which more than this is gone is rewritten.
MOST_REMOVED: Final = 0.2


def due(connection: Connection) -> str | None:
    """The id of a collection with more to fold in than a search should have to look at."""
    limits = {"most_fresh": MOST_FRESH, "most_removals": MOST_REMOVALS}
    row = connection.execute(_sql["due"], limits).fetchone()
    return row["collection_id"] if row else None


def fold(connection: Connection, tenant: str, collection_id: str, *, most: int = MOST_MERGED) -> bool:
    """Up to about `most` chunks in this transaction; False where another one is at it.

    Segments merge as in a log-structured merge-tree (O'Neil et al. 1996): each chunk is rewritten a number
    of times that grows with the logarithm of the collection, and the number of segments likewise.
    """
    values = {"collection_id": collection_id, "tenant": tenant, "most": most}
    if connection.execute(_sql["lock"], values).fetchone() is None:
        return False
    connection.execute(_sql["prepare"])
    connection.execute(_sql["take_removals"], values)
    numbered = connection.execute(_sql["number"], values).fetchone() or {}
    segments = connection.execute(_sql["segments"], values).fetchall()
    merged = _to_merge(segments, numbered["chunks"], most)
    if numbered["chunks"]:
        _rewrite(connection, {**values, **numbered}, merged)
    worn = _most_worn(s for s in segments if s["segment"] not in merged)
    if worn is not None:
        _rewrite(connection, {**values, "first": None, "last": None}, [worn])
    return True


def _rewrite(connection: Connection, values: dict[str, Any], merged: Sequence[int]) -> None:
    connection.execute(_sql["fold"], {**values, "merged": merged})
    connection.execute(_sql["drop_segments"], {**values, "merged": merged})


def _to_merge(segments: Sequence[DictRow], fresh: int, most: int) -> list[int]:
    """The newest, as long as they are not much larger than what comes after them."""
    merged: list[int] = []
    size = fresh
    for segment in reversed(segments):
        live = segment["chunk_count"] - segment["removed_chunks"]
        if live > 2 * size or size + live > most:
            break
        merged.append(segment["segment"])
        size += live
    return merged


def _most_worn(segments: Iterable[DictRow]) -> int | None:
    """The segment that lost the largest share of its chunks, if that is too large."""
    shares = {s["segment"]: s["removed_chunks"] / s["chunk_count"] for s in segments}
    worst = max(shares, key=lambda segment: shares[segment], default=None)
    return worst if worst is not None and shares[worst] > MOST_REMOVED else None
