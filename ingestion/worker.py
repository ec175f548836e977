"""Threads that run the write path inside a process: claim, process, and keep up with the source."""

import random
import time
from math import inf
from threading import Event, Thread

from ingestion.attempt import LEASE
from ingestion.in_hand import InHand
from ingestion.pipeline import Pipeline
from ingestion.reconcile import Drift, reconcile
from ingestion.reembed import reembed_once
from ingestion.upkeep import EVERY, keep_up
from rag.errors import Unavailable
from rag.ports import Backend, WatchedBackend
from rag.telemetry import logger

# How long an idle worker waits before it asks the ledger again, seconds.
IDLE = 0.25
# How long it waits when the database does not answer, seconds.
OUTAGE = 2.0
# How long documents in hand may take to be finished when a worker is stopped, seconds. Then they are given
# back, and threads that do not notice that are left behind.
FINISH = 3.0
NOTICE = 2.0


class Worker:
    """Serves every tenant of the source until stopped; any number may share one database."""

    def __init__(
        self, backend: WatchedBackend, *, threads: int, max_document_bytes: int, max_streamed_bytes: int = 0
    ) -> None:
        self._backend = backend
        self._stop = Event()
        self._in_hand = InHand()
        self._reported: set[Drift] = set()
        self._pipeline = Pipeline(
            source=backend.source,
            embedder=backend.embedder,
            other_embedders=backend.other_embedders,
            max_document_bytes=max_document_bytes,
            max_streamed_bytes=max_streamed_bytes,
            ocr=backend.ocr,
        )
        self._threads = [
            Thread(target=self._work, name=f"ingestion-{number}", daemon=True) for number in range(threads)
        ]
        self._threads.append(Thread(target=self._watch, name="source-watch", daemon=True))

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Lets the documents in hand be finished if that is soon, else gives them back to the queue."""
        self._stop.set()
        if not self._ended_within(FINISH):
            self._in_hand.give_back()
            self._ended_within(NOTICE)

    def _ended_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def work_once(self) -> str | None:
        """Does one piece of work, if there is any; then the tenant whose it is."""
        return work_once(self._backend, self._pipeline, self._in_hand)

    def reconcile(self) -> int:
        backend = self._backend
        return reconcile(
            store=backend.store, source=backend.source, embedder=backend.embedder, report=self._report
        )

    def _report(self, drift: Drift) -> None:
        """Once for each object, not at every look."""
        if drift not in self._reported:
            self._reported.add(drift)
            logger.warning("The source holds an object that cannot be ingested: %s", drift.detail)

    def _work(self) -> None:
        worked: list[str] = []
        while not self._stop.is_set():
            try:
                pause = self._step(worked)
            except Unavailable as error:
                self._tell("The write path waits: %s", error)
                pause = OUTAGE
            except Exception as error:  # noqa: BLE001 - whatever it was, the next document deserves a worker
                self._tell("The write path goes on after an unexpected error: %s", error, trace=True)
                pause = OUTAGE
            self._stop.wait(pause)

    def _tell(self, message: str, error: Exception, *, trace: bool = False) -> None:
        """Nothing when this worker was stopped: what it was left without then is no fault."""
        if not self._stop.is_set():
            logger.warning(message, error, exc_info=error if trace else None)

    def _step(self, worked: list[str]) -> float:
        """The pause after it. `worked`: the tenants of documents since the indexes were looked after."""
        if tenant := self.work_once():
            worked.append(tenant)
        if worked and (tenant is None or len(worked) >= EVERY):
            keep_up(self._backend.store, set(worked), self._time_for_indexes)
            worked.clear()
        return 0.0 if tenant else IDLE

    def _time_for_indexes(self) -> float:
        return 0.0 if self._stop.is_set() else inf

    def _watch(self) -> None:
        self._catch_up()
        for _ in self._backend.source.changes(self._stop):
            self._catch_up()

    def _catch_up(self) -> None:
        """Every burst of changes is answered by comparing the whole source, so none can be missed."""
        try:
            self.reconcile()
        except Unavailable as error:
            self._tell("The source will be compared again: %s", error)
        except Exception as error:  # noqa: BLE001 - one unreadable file must not end the watch
            self._tell("The source will be compared again after an unexpected error: %s", error, trace=True)


def work_once(backend: Backend, pipeline: Pipeline, in_hand: InHand | None = None) -> str | None:
    """Processes a document of any tenant, or else a step of a reembedding, and names the tenant.

    None: nothing is due.
    """
    in_hand = in_hand or InHand()
    tenants = backend.store.tenants()
    # In a new order each time: one tenant's thousand documents must not make the others wait.
    order = random.sample(tenants, len(tenants))
    for tenant in order:
        ledger = backend.store.tenant(tenant).ledger
        if work := ledger.claim(LEASE):
            with in_hand.holding(ledger, work):
                pipeline.process(ledger, work, remaining=in_hand.remaining)
            return tenant

    def step(tenant: str) -> bool:
        return reembed_once(backend.store.tenant(tenant), pipeline, remaining=in_hand.remaining)

    return next(filter(step, order), None)
