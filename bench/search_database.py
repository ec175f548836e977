"""The passages in a database: loaded through the ledger, indexed afterwards, as bulk loads do."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import psycopg

from bench.corpus_passages import Passage
from bench.search_prepared import Prepared, analysed
from bench.search_vectors import MODEL, embed
from rag.adapters.postgres.embedded import DEFAULT_SETTINGS, EmbeddedServer
from rag.adapters.postgres.store import PostgresStore, PostgresTenantStore
from rag.domain.content import Chunk, EmbeddedChunk, TextPart, Vector
from rag.domain.documents import (
    Attributes,
    BuiltDocument,
    Collection,
    NewCollection,
    SourceEvent,
    SourceKind,
)

TENANT: Final = "bench"
COLLECTION: Final = "bench"
LEASE: Final = timedelta(hours=1)
# A hundred documents of every hundred: which of them a filter lets through.
GROUPS: Final[Mapping[str, range]] = {"0.01": range(1), "0.1": range(1, 11), "0.5": range(11, 61)}
_REST: Final = "rest"
# As on an instance of 16 GB; an HNSW index that outgrows maintenance_work_mem is built many times slower.
_SETTINGS: Final = {
    **DEFAULT_SETTINGS,
    "shared_buffers": "4GB",
    "maintenance_work_mem": "3GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
}


@dataclass(frozen=True, kw_only=True)
class NewDocument:
    """`terms` and `vectors` beside the passages. `version` 1 is a new document, more replaces it."""

    key: str
    passages: Sequence[Passage]
    terms: Sequence[Sequence[int]]
    vectors: Sequence[Vector]
    group: str
    version: int = 1


class Database:
    """A server in `folder`, joined where it runs already."""

    def __init__(self, folder: Path) -> None:
        self._server = EmbeddedServer(folder, settings=_SETTINGS, sync=False)
        self.conninfo = self._server.start()
        self.store = PostgresStore(self.conninfo)
        self.tenant: PostgresTenantStore = self.store.tenant(TENANT)
        self.owner = psycopg.connect(self.conninfo, autocommit=True, options="-c search_path=acervo,public")

    def close(self) -> None:
        self.owner.close()
        self.store.close()
        self._server.stop()

    def collection(self) -> Collection:
        return self.tenant.collections.ensure(NewCollection(name=COLLECTION, embedding=MODEL))

    def numbers(self, new: Iterator[NewDocument]) -> dict[str, int]:
        """The number of each chunk id's passage, counted in the order of loading."""
        first: dict[str, int] = {}
        count = 0
        for document in new:
            first[document.key] = count
            count += len(document.passages)
        rows = self.owner.execute(
            "SELECT chunk_id, key, ordinal FROM chunks JOIN documents USING (tenant_id, document_id, build)"
        )
        return {chunk_id: first[key] + ordinal for chunk_id, key, ordinal in rows if key in first}

    def sizes(self) -> dict[str, float]:
        """Megabytes of every table that holds more than one, with its TOAST, and of every such index."""
        rows = self.owner.execute(
            "SELECT relname, CASE relkind WHEN 'r' THEN pg_table_size(oid) ELSE pg_relation_size(oid) END"
            " FROM pg_class WHERE relnamespace = 'acervo'::regnamespace AND relkind IN ('r', 'i')"
        ).fetchall()
        return {name: round(size / 1e6, 1) for name, size in sorted(rows) if size > 1e6}


def write(tenant: PostgresTenantStore, collection: Collection, document: NewDocument) -> None:
    """Through the ledger: accepted, claimed, staged, published."""
    event = _event(document.key, document.version, "upsert")
    accepted = tenant.ledger.accept(event, collection)
    work = tenant.ledger.claim(LEASE, accepted.id) if accepted else None
    text, chunks = _chunks(document)
    if work is None or not tenant.ledger.stage(work, chunks, document.passages[0].language, lease=LEASE):
        raise RuntimeError(f"{document.key} was not staged")
    if not tenant.ledger.publish(work, _built(document, text), TextPart(text=text)):
        raise RuntimeError(f"{document.key} was not published")


def erase(tenant: PostgresTenantStore, collection: Collection, key: str, version: int) -> None:
    accepted = tenant.ledger.accept(_event(key, version, "delete"), collection)
    work = tenant.ledger.claim(LEASE, accepted.id) if accepted else None
    if work is None:
        raise RuntimeError(f"{key} was not erased")
    tenant.ledger.erase(work)


def new_document(key: str, passages: Sequence[Passage], *, group: str) -> NewDocument:
    """Embedded and analysed here."""
    return NewDocument(
        key=key,
        passages=passages,
        terms=[analysed(passage) for passage in passages],
        vectors=list(embed([passage.text for passage in passages]).astype("f4")),
        group=group,
    )


def _event(key: str, version: int, operation: Any) -> SourceEvent:
    return SourceEvent(
        tenant=TENANT,
        collection=COLLECTION,
        key=key,
        operation=operation,
        kind=SourceKind.FOLDER,
        uri=f"folder:{COLLECTION}/{key}",
        order=f"{version:09d}",
        etag=str(version),
        attributes=Attributes(),
    )


def _chunks(document: NewDocument) -> tuple[str, list[EmbeddedChunk]]:
    """The document's text, and its passages as the chunks of that text."""
    chunks: list[EmbeddedChunk] = []
    start = 0
    for ordinal, passage in enumerate(document.passages):
        end = start + len(passage.text)
        chunks.append(
            EmbeddedChunk(
                chunk=Chunk(ordinal=ordinal, start=start, end=end, text=passage.text),
                context="",
                terms=document.terms[ordinal],
                embedded_sha256=hashlib.sha256(passage.text.encode()).digest(),
                embedding=document.vectors[ordinal],
            )
        )
        start = end + 2
    return "\n\n".join(passage.text for passage in document.passages), chunks


def _built(document: NewDocument, text: str) -> BuiltDocument:
    return BuiltDocument(
        content_sha256=hashlib.sha256(text.encode()).hexdigest(),
        recipe="bench",
        size=len(text.encode()),
        title=document.passages[0].document,
        own_title=None,
        media_type="text/plain",
        metadata={"group": document.group},
        language=document.passages[0].language,
        chunk_count=len(document.passages),
        page_count=None,
    )


def group_of(document: int) -> str:
    """The group of the document with that number."""
    return next((name for name, places in GROUPS.items() if document % 100 in places), _REST)


def documents(passages: Sequence[Passage], prepared: Prepared) -> Iterator[NewDocument]:
    runs = groupby(range(len(passages)), key=lambda number: passages[number].document)
    for place, (name, run) in enumerate(runs):
        numbers = list(run)
        yield NewDocument(
            key=f"{name}.txt",
            passages=[passages[number] for number in numbers],
            terms=[prepared.terms(number) for number in numbers],
            vectors=list(prepared.vectors[numbers[0] : numbers[-1] + 1].astype("f4")),
            group=group_of(place),
        )


def build(
    database: Database, passages: Sequence[Passage], prepared: Prepared, note: Path
) -> dict[str, float]:
    """Seconds of each step; read from `note` where it was done before."""
    if note.exists():
        known: dict[str, float] = json.loads(note.read_text())
        return known
    steps: Mapping[str, Callable[[], None]] = {
        "load_s": lambda: load(database, documents(passages, prepared)),
        "index_s": lambda: fold(database),
        "analyse_s": lambda: _analyse_tables(database),
    }
    seconds = {name: _timed(step) for name, step in steps.items()}
    note.write_text(json.dumps(seconds))
    return seconds


def load(database: Database, new: Iterator[NewDocument]) -> None:
    collection = database.collection()
    for document in new:
        write(database.tenant, collection, document)


def fold(database: Database) -> None:
    """Posting lists of everything, then the vector index: as after a bulk load."""
    while database.tenant.index.maintain():
        pass


def _analyse_tables(database: Database) -> None:
    database.owner.execute("VACUUM ANALYZE")


def _timed(step: Callable[[], None]) -> float:
    started = time.perf_counter()
    step()
    return time.perf_counter() - started
