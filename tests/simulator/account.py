"""Keeps account of what the model was paid for: never for a vector that is in the database already."""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256

from psycopg import sql

from rag.adapters.postgres.connection import Connection
from rag.domain.content import Vector
from rag.domain.documents import Place
from tests.simulator.faults import Worker
from tests.simulator.reader import Reader, Violation
from tests.simulator.world import Key

_KNOWN = sql.SQL("""
SELECT c.text FROM chunks c JOIN chunk_embeddings e USING (tenant_id, chunk_id)
WHERE c.embedded_sha256 = ANY(%(hashes)s)
""")


class Account:
    def __init__(self, owner: Connection, keys: Mapping[Place, Key], reader: Reader) -> None:
        self._owner = owner
        self._keys = keys
        self._reader = reader
        self._tenants = {place[0] for place in keys}
        # Without the texts of keys that two doors write: which door is taken depends on the delivery.
        self.calls_for_undisputed = 0

    def book(self, texts: Sequence[str], vectors: Sequence[Vector]) -> None:
        for text, vector in zip(texts, vectors, strict=True):
            self._reader.embedded[sha256(text.encode()).hexdigest()] = (text, vector)

    def check(self, texts: Sequence[str], worker: Worker) -> Iterator[Violation]:
        """Called before the model is; the database then holds what the worker could have found."""
        hashes = [sha256(text.encode()).digest() for text in texts]
        self.calls_for_undisputed += not all(self._is_disputed(text) for text in texts)
        if worker.paused:  # others may have paid meanwhile
            return
        for row in self._owner.execute(_KNOWN, {"hashes": hashes}):
            if len(self._tenants) == 1 or not self._is_copied(row["text"]):
                yield Violation(invariant=5, key="a chunk", seen=f"paid for again: {row['text']!r:.100}")

    def _is_disputed(self, text: str) -> bool:
        paragraph = text.rpartition("\n\n")[2].encode()
        disputed = (key for key in self._keys.values() if len(key.doors) > 1)
        return any(paragraph in body for key in disputed for body in key.bodies())

    def _is_copied(self, text: str) -> bool:
        """Another tenant's vectors are never used."""
        return any(key.copied and f"{key.marker} " in text for key in self._keys.values())
