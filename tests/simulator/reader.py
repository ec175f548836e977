"""What readers see: of every document one whole version, never an older one than before."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from json import loads
from math import isclose
from typing import Any, TypeAlias

from psycopg import sql
from psycopg.rows import DictRow

from rag.adapters.postgres.connection import Connection
from rag.domain.content import Vector
from rag.domain.documents import Place
from tests.simulator.world import Door, Key, Positions, readable, sha256

# What search and the documents' endpoints join: one statement sees one state of the database.
_SEEN = sql.SQL("""
SELECT d.tenant_id, k.name AS collection, d.key, d.document_id, d.status, d.build, d.chunk_count,
       d.content_sha256, d.title, d.metadata, d.failure, d.source_uri, t.text, c.chunks
FROM documents d
JOIN collections k USING (tenant_id, collection_id)
LEFT JOIN LATERAL (
    SELECT string_agg(t.text, '' ORDER BY t.part) AS text FROM document_texts t
    WHERE t.tenant_id = d.tenant_id AND t.document_id = d.document_id AND t.build = d.build
) t ON true
LEFT JOIN LATERAL (
    SELECT json_agg(json_build_array(c.start_offset, c.end_offset, c.text, encode(c.embedded_sha256, 'hex'),
                                     e.embedding::text) ORDER BY c.ordinal) AS chunks
    FROM chunks c LEFT JOIN chunk_embeddings e USING (tenant_id, chunk_id)
    WHERE c.tenant_id = d.tenant_id AND c.document_id = d.document_id AND c.build = d.build
) c ON d.build > 0
""")


# What is looked at once as long as none of it changes.
_IDENTITY = ("document_id", "build", "content_sha256", "chunk_count", "text", "chunks")


# A text and its vector; kept by the text's sha256 in hexadecimal.
Embedded: TypeAlias = tuple[str, Vector]


@dataclass(frozen=True, kw_only=True)
class Violation:
    invariant: int
    key: str
    seen: str


class Reader:
    """A reader that remembers what it saw."""

    def __init__(self, owner: Connection, keys: Mapping[Place, Key]) -> None:
        self._owner = owner
        self._keys = keys
        self._positions = {place: Positions(key) for place, key in keys.items()}
        self._whole: set[tuple[Any, ...]] = set()
        self.embedded: dict[str, Embedded] = {}
        self.documents: dict[str, Place] = {}

    def look(self) -> Iterator[Violation]:
        rows = {place_of(row): row for row in self._owner.execute(_SEEN)}
        for place, key in self._keys.items():
            row = rows.get(place)
            if row is not None:
                self.documents[row["document_id"]] = place
                yield from self._throttled(key, row)
            yield from self._compare(key, row)

    def _throttled(self, key: Key, row: DictRow) -> Iterator[Violation]:
        if row["status"] == "failed" and row["failure"]["code"] == "throttled":
            yield Violation(invariant=6, key=key.label, seen=f"failed by throttling: {row['failure']}")

    def _compare(self, key: Key, row: DictRow | None) -> Iterator[Violation]:
        seen = row if row is not None and row["build"] > 0 else None
        version = tuple(str(seen[name]) for name in _IDENTITY) if seen else ()
        if seen and version not in self._whole:
            self._whole.add(version)
            yield from self._torn(key, seen)
        if len(key.doors) == 1:
            digest = seen["content_sha256"] if seen else None
            if not self._positions[key.place].advance(key.doors[0], digest):
                what = f"content {digest[:12]}" if digest else "nothing"
                yield Violation(
                    invariant=1, key=key.label, seen=f"{what} after something newer was searchable"
                )

    def _torn(self, key: Key, row: DictRow) -> Iterator[Violation]:
        """Whether text, chunks, vectors and hash are all of one version."""
        bodies = {sha256(body): readable(body, key.place[2]) for body in key.bodies()}
        texts = {digest: extracted.text for digest, extracted in bodies.items() if extracted}
        text, chunks = row["text"], row["chunks"] or []
        if text not in texts.values():
            yield Violation(invariant=2, key=key.label, seen=f"a text that never was: {text!r:.200}")
            return
        if texts.get(row["content_sha256"]) != text:
            yield Violation(
                invariant=3, key=key.label, seen="a content hash of another version than the text"
            )
        if len(chunks) != row["chunk_count"]:
            yield Violation(invariant=2, key=key.label, seen="a chunk count of another version")
        if not _covers(chunks, text):
            yield Violation(
                invariant=2, key=key.label, seen=f"chunks that are not the text's: {chunks!r:.300}"
            )
        elif not all(self._has_its_vector(chunk) for chunk in chunks):
            yield Violation(invariant=2, key=key.label, seen=f"a vector of another text: {chunks!r:.300}")

    def _has_its_vector(self, chunk: list[Any]) -> bool:
        _, _, text, digest, embedding = chunk
        embedded, vector = self.embedded.get(digest, ("", ()))
        if embedding is None or not vector or not embedded.endswith(text):
            return False
        return all(isclose(a, b, abs_tol=2e-3) for a, b in zip(loads(embedding), vector, strict=True))


def place_of(row: DictRow) -> Place:
    return (row["tenant_id"], row["collection"], row["key"])


def door_of(row: DictRow) -> Door:
    return "kinesis" if row["source_uri"].startswith("kinesis:") else "s3"


def _covers(chunks: list[list[Any]], text: str) -> bool:
    spans = [(start, end, chunk) for start, end, chunk, *_ in chunks]
    exact = all(text[start:end] == chunk for start, end, chunk in spans)
    return exact and "".join("".join(chunk.split()) for *_, chunk in spans) == "".join(text.split())
