"""Searching while documents come and go: errors, deadlocks, results that should have gone.

Processes of their own write 50 documents of two passages a second and delete as many, ten seconds after they
came; every fifth is replaced by a second version in between. Their passages are those that questions were
drawn from. Each found passage of such a document is compared with the time at which its version had gone.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain, cycle, islice
from math import inf
from multiprocessing import get_context
from typing import Any, Final

import psycopg

from app.retrieve import Retriever
from bench.corpus_passages import Passage
from bench.search_database import COLLECTION, TENANT, Database, NewDocument, erase, new_document, write
from bench.search_measure import DEPTH, Outcome, percentiles
from bench.search_vectors import KnownEmbedder
from ingestion.upkeep import EVERY, keep_up
from rag.adapters.postgres.store import PostgresStore, PostgresTenantStore
from rag.domain.documents import Collection
from rag.domain.search import Passage as RetrievedPassage
from rag.domain.search import SearchMode, SearchRequest
from rag.errors import AcervoError

CLIENTS: Final = 8
PER_SECOND: Final = 50
_LIFE_SECONDS: Final = 10
_REPLACED: Final = 5
_PASSAGES: Final = 2
# As workers on Lambda do; one process alone would not get its turns beside those of the server.
_PROCESSES: Final = 4
_WRITERS: Final = 4
_START_SECONDS: Final = 5  # to import, and to get the documents
_PREFIX: Final = "mixed-"
_WRITE, _REPLACE, _DELETE = range(3)
Version = tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a process did. `written` and `deleted` are what was done while others searched, not what was late.
    `gone` tells since when (`time.monotonic`) a version may be found no longer.
    """

    written: int = 0
    deleted: int = 0
    gone: dict[Version, float] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Found:
    """A search: when it began, and which of the passing documents it gave."""

    started: float
    milliseconds: float
    versions: Sequence[Version]
    error: str | None = None


def measure_mixed(
    database: Database,
    embedder: KnownEmbedder,
    held_out: Sequence[Passage],
    questions: Sequence[str],
    seconds: int,
) -> dict[str, Any]:
    retriever = Retriever(store=database.tenant, embedder=embedder)
    # A kept database remembers what earlier runs deleted, and takes it for newer than what comes now.
    prefix = f"{_PREFIX}{time.time_ns()}-"
    documents = [_document(prefix, number, held_out) for number in range(len(held_out) // _PASSAGES)]
    before = _deadlocks(database)
    quiet = _search(retriever, questions, time.monotonic() + seconds / 4)
    with ProcessPoolExecutor(_PROCESSES, mp_context=get_context("spawn")) as executor:
        started = time.monotonic() + _START_SECONDS
        writing = [
            executor.submit(write_and_delete, database.conninfo, documents, seconds, started, number)
            for number in range(_PROCESSES)
        ]
        time.sleep(max(0.0, started - time.monotonic()))
        busy = _search(retriever, questions, started + seconds)
        done = [each.result() for each in writing]
    gone = dict(chain.from_iterable(each.gone.items() for each in done))
    errors = chain.from_iterable(each.errors for each in done)
    return {
        "seconds": seconds,
        "written_per_second": round(sum(each.written for each in done) / seconds, 1),
        "deleted_per_second": round(sum(each.deleted for each in done) / (seconds - _life(seconds)), 1),
        "searches": len(busy),
        "passing_documents_found": sum(len(found.versions) for found in busy),
        "stale": len(stale(busy, gone)),
        "errors": dict(Counter(chain(errors, (found.error for found in busy if found.error)))),
        "deadlocks": _deadlocks(database) - before,
        "quiet": _percentiles(quiet),
        "busy": _percentiles(busy),
    }


def stale(searches: Sequence[Found], gone: Mapping[Version, float]) -> list[Version]:
    """What was found by searches that began after it had gone."""
    return [item for found in searches for item in found.versions if found.started > gone.get(item, inf)]


def _search(retriever: Retriever, questions: Sequence[str], until: float) -> list[Found]:
    def ask(client: int) -> list[Found]:
        asked = islice(cycle(questions), client * len(questions) // CLIENTS, None)
        return list(_until(retriever, asked, until))

    with ThreadPoolExecutor(CLIENTS) as executor:
        return list(chain.from_iterable(executor.map(ask, range(CLIENTS))))


def _until(retriever: Retriever, questions: Iterator[str], until: float) -> Iterator[Found]:
    for question in questions:
        if time.monotonic() > until:
            return
        yield _ask(retriever, question)


def _ask(retriever: Retriever, question: str) -> Found:
    request = SearchRequest(query=question, collections=(COLLECTION,), mode=SearchMode.HYBRID, top_k=DEPTH)
    passages: Sequence[RetrievedPassage] = ()
    started, error = time.monotonic(), None
    try:
        passages = retriever.retrieve(request).passages
    except (AcervoError, psycopg.Error) as raised:
        error = type(raised.__cause__ or raised).__name__
    documents = [passage.document for passage in passages]
    return Found(
        started=started,
        milliseconds=(time.monotonic() - started) * 1000,
        versions=[(item.key, item.version) for item in documents if item.key.startswith(_PREFIX)],
        error=error,
    )


def write_and_delete(
    conninfo: str, documents: Sequence[NewDocument], seconds: int, started: float, process: int
) -> Written:
    """What one process does of it, by `started` of `time.monotonic`, which all of them share."""
    numbers = range(process, seconds * PER_SECOND, _PROCESSES)
    with closing(PostgresStore(conninfo, migrates=False)) as store, ThreadPoolExecutor(_WRITERS) as executor:
        writers = [
            _Writer(store=store, documents=documents, started=started, seconds=seconds)
            for _ in range(_WRITERS)
        ]
        list(executor.map(_Writer.live, writers, (numbers[first::_WRITERS] for first in range(_WRITERS))))
    return Written(
        written=sum(writer.written for writer in writers),
        deleted=sum(writer.deleted for writer in writers),
        gone={version: at for writer in writers for version, at in writer.gone.items()},
        errors=[error for writer in writers for error in writer.errors],
    )


def _document(prefix: str, number: int, passages: Sequence[Passage]) -> NewDocument:
    chosen = passages[number * _PASSAGES : (number + 1) * _PASSAGES]
    return new_document(f"{prefix}{number}", chosen, group="mixed")


@dataclass(kw_only=True)
class _Writer:
    """Lives through its own documents in order, each step at its time or as soon as it can."""

    store: PostgresStore
    documents: Sequence[NewDocument]
    started: float
    seconds: int
    written: int = 0
    deleted: int = 0
    gone: dict[Version, float] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def live(self, numbers: Sequence[int]) -> None:
        tenant = self.store.tenant(TENANT)
        collection = tenant.collections.get(COLLECTION)
        due = sorted(step for number in numbers for step in steps(number, _life(self.seconds)))
        for count, (at, number, step) in enumerate(due, 1):
            time.sleep(max(0.0, self.started + at - time.monotonic()))
            try:
                self._take(tenant, collection, number, step)
                if count % EVERY == 0:
                    keep_up(self.store, [TENANT])
            except (AcervoError, psycopg.Error, RuntimeError) as raised:
                self.errors.append(type(raised.__cause__ or raised).__name__)

    def _take(self, tenant: PostgresTenantStore, collection: Collection, number: int, step: int) -> None:
        """Step 0 writes, 1 replaces, 2 deletes."""
        document = self.documents[number % len(self.documents)]
        document = replace(document, key=f"{document.key}-{number}")
        if step == _DELETE:
            erase(tenant, collection, document.key, _DELETE + 1)
        else:
            write(tenant, collection, replace(document, version=step + 1))
        if time.monotonic() < self.started + self.seconds:
            self.deleted += step == _DELETE
            self.written += step != _DELETE
        if step:
            last = _REPLACE if step == _REPLACE or not _is_replaced(number) else _DELETE
            self.gone[document.key, last] = time.monotonic()


def _life(seconds: float) -> float:
    return min(_LIFE_SECONDS, seconds / 2)


def steps(number: int, life_seconds: float) -> Iterator[tuple[float, int, int]]:
    """When, which document, which step."""
    born = number / PER_SECOND
    yield born, number, _WRITE
    if _is_replaced(number):
        yield born + life_seconds / 2, number, _REPLACE
    yield born + life_seconds, number, _DELETE


def _is_replaced(number: int) -> bool:
    return number % _REPLACED == 0


def _percentiles(found: Sequence[Found]) -> dict[str, float]:
    return percentiles([Outcome(question="", found=(), milliseconds=item.milliseconds) for item in found])


def _deadlocks(database: Database) -> int:
    row = database.owner.execute(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    ).fetchone()
    return int(row[0]) if row else 0
