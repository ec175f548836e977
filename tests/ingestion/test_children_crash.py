"""A worker dies after any of its transactions while it takes in a mail and its attachments."""

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from ingestion import children
from rag.adapters.postgres.connection import Connection
from rag.adapters.postgres.store import PostgresStore
from rag.domain.documents import DocumentStatus
from rag.domain.pages import PageRequest
from tests.ingestion.test_children import mail
from tests.ingestion.write_path import WritePath
from tests.rag.adapters.postgres.builders import LEASE
from tests.simulator.connection import connection_class
from tests.simulator.environment import open_owner
from tests.simulator.faults import Worker, WorkerKilled

# Of chunks and texts, in how many builds each document has any, and the chunks of the one that is searched.
_STORED = """
SELECT d.key, d.chunk_count, count(DISTINCT c.chunk_id) AS chunks, count(DISTINCT c.build) AS builds,
       count(DISTINCT t.build) AS texts
FROM documents d
LEFT JOIN chunks c USING (tenant_id, document_id)
LEFT JOIN document_texts t USING (tenant_id, document_id)
GROUP BY d.tenant_id, d.document_id
"""


@dataclass(kw_only=True)
class Crashing:
    """A write path whose worker is killed after one of its transactions; what it leaves open is undone."""

    path: WritePath
    owner: Connection
    worker: Worker | None = None

    def dies(self, at: int) -> bool:
        """Takes up the one document that waits; whether the worker died of it."""
        ledger = self.path.tenant.ledger
        transactions = count()
        self.worker = worker = Worker()
        worker.committed = lambda: worker.die() if next(transactions) == at else None
        with suppress(WorkerKilled):
            work = ledger.claim(LEASE)
            assert work is not None
            self.path.pipeline.process(ledger, work)
        self.worker = None
        return worker.dead

    def recover(self) -> None:
        """The dead worker's lease ends, and others work on."""
        self.path.hurry()
        self.path.work_off()

    def searchable(self) -> Mapping[str, str]:
        documents = self.path.tenant.documents
        found = documents.list("notes", PageRequest(limit=100)).items
        return {each.key: documents.text(each.id) for each in found if each.version}


@pytest.fixture
def crashing(conninfo: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crashing]:
    # So that a worker dies between two batches as well.
    monkeypatch.setattr(children, "_BATCH", 1)
    with open_owner(conninfo) as owner:

        def wait_until_gone(process: int) -> None:
            while owner.execute("SELECT FROM pg_stat_activity WHERE pid = %s", (process,)).fetchone():
                time.sleep(0.001)

        store = PostgresStore(
            conninfo, connection_class=connection_class(lambda: found.worker, wait_until_gone)
        )
        found = Crashing(path=WritePath(store, tmp_path), owner=owner)
        yield found
        store.close()


def taken_in(crashing: Crashing, body: bytes, at: int) -> bool:
    """Drops the mail, and lets a worker die of it if it makes so many transactions."""
    crashing.path.drop("a.eml", body)
    crashing.path.announce()
    return crashing.dies(at)


def check_each_is_there_once(crashing: Crashing, texts: Mapping[str, str]) -> None:
    documents = crashing.path.tenant.documents
    found = documents.list("notes", PageRequest(limit=100)).items
    assert {each.status for each in found} == {DocumentStatus.READY}
    assert {key: text for key, text in crashing.searchable().items() if key != "a.eml"} == texts
    for row in crashing.owner.execute(_STORED):
        assert (row["chunks"], row["builds"], row["texts"]) == (row["chunk_count"], 1, 1), row


def test_no_attachment_is_lost_or_twice_wherever_a_worker_dies(crashing: Crashing) -> None:
    """From nothing to one version, from that to the next: after each transaction in turn."""
    path = crashing.path
    for at in count():
        first = mail(("a.txt", "Stays."), ("b.txt", "Before."), ("c.txt", "Goes."))
        second = mail(("a.txt", "Stays."), ("b.txt", "After."), ("d.txt", "Comes."))
        before = {"a.eml/a.txt": "Stays.", "a.eml/b.txt": "Before.", "a.eml/c.txt": "Goes."}
        after = {"a.eml/a.txt": "Stays.", "a.eml/b.txt": "After.", "a.eml/d.txt": "Comes."}

        died = [taken_in(crashing, first, at)]
        crashing.recover()
        check_each_is_there_once(crashing, before)

        died.append(taken_in(crashing, second, at))
        check_nothing_vanished(crashing, before, after)
        path.work_off()  # the attachments that were taken in, while the mail's lease lasts
        check_nothing_vanished(crashing, before, after)
        crashing.recover()
        check_each_is_there_once(crashing, after)

        path.source.remove("local", "notes", "a.eml")
        path.announce()
        crashing.recover()
        assert crashing.searchable() == {}
        if not any(died):
            break
    assert at > 6, "claim, look-up, staging, three batches and publication are seven"


def check_nothing_vanished(crashing: Crashing, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Of each attachment one version is found; what the new mail lacks goes when the mail is replaced."""
    found = crashing.searchable()
    replaced = crashing.path.document("a.eml").version == 2
    for key in before.keys() - after.keys():
        assert (key in found) is not replaced
    for key in before.keys() & after.keys():
        assert found[key] in (before[key], after[key])
