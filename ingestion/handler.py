"""A batch of messages from AWS: all are accepted, then worked off; what is unfinished is handed back."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from ingestion.attempt import LEASE, RESERVE
from ingestion.events import Delivery, deliveries
from ingestion.outcome import is_final
from ingestion.pipeline import Pipeline
from ingestion.reconcile import collection_for
from ingestion.sweep import sweep
from ingestion.upkeep import keep_up
from rag.domain.documents import Collection, Document, DocumentStatus, SourceEvent
from rag.errors import (
    AcervoError,
    CollectionNotFound,
    ConflictingSource,
    DocumentNotFound,
    Unavailable,
)
from rag.ports import Backend, TenantStore
from rag.telemetry import Metric, bound, logger, measure

# Tenant and id of a document.
_Reference: TypeAlias = tuple[str, str]


class IngestionUnfinished(AcervoError):
    """An event that came without a queue is not finished; the caller must send it again."""

    code = "ingestion_unfinished"
    retryable = True


@dataclass
class _Task:
    """A delivery, the documents that it concerns, and whether it must come again."""

    delivery: Delivery
    documents: list[_Reference] = field(default_factory=list)
    again: bool = False

    @property
    def asks_for_work(self) -> bool:
        return self.delivery.every_tenant or bool(self.delivery.tenants)


class Handler:
    """Turns S3 and Kinesis batches, and a schedule's turns, into work on the ledger.

    A delivery is done when the ledger has its outcome: ready, deleted, superseded, or failed for good.
    Anything else is reported in the partial batch response, so that AWS delivers it again and in the
    end puts it into the dead-letter queue.
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """

    def __init__(
        self, backend: Backend, *, default_tenant: str, max_document_bytes: int, max_streamed_bytes: int = 0
    ) -> None:
        self._backend = backend
        self._default_tenant = default_tenant
        self._pipeline = Pipeline(
            source=backend.source,
            embedder=backend.embedder,
            other_embedders=backend.other_embedders,
            max_document_bytes=max_document_bytes,
            max_streamed_bytes=max_streamed_bytes,
            ocr=backend.ocr,
        )

    def handle(self, event: Mapping[str, Any], remaining: Callable[[], float]) -> dict[str, Any]:
        """The partial batch response. `remaining`: seconds until this worker is ended.

        Raises InvalidEvent for an event of no known source, IngestionUnfinished where there is no batch
        to report a part of.
        """
        tasks = [_Task(delivery) for delivery in deliveries(event, default_tenant=self._default_tenant)]
        # All are accepted before any is worked on: several events of one key then cost one build.
        for task in _in_time(tasks, remaining):
            self._try(task, self._accept)
        for task in _in_time([task for task in tasks if not task.again], remaining):
            self._try(task, lambda task: self._work_off(task, remaining))
        for task in (task for task in tasks if not task.again and task.asks_for_work):
            self._try(task, lambda task: self._sweep(task, remaining))
        self._keep_up({tenant for task in tasks for tenant, _ in task.documents}, remaining)
        unfinished = [task.delivery.id for task in tasks if task.again]
        if not all(unfinished):
            raise IngestionUnfinished("The event is not finished yet; send it again.")
        return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in unfinished]}

    def close(self) -> None:
        self._backend.close()

    def _try(self, task: _Task, step: Callable[[_Task], None]) -> None:
        try:
            step(task)
        except Unavailable as error:
            logger.warning("Delivery %s comes again: %s", task.delivery.id, error)
            task.again = True
        except Exception:  # one poisoned message must not take the others of its batch along
            logger.exception("Delivery %s comes again after an unexpected error", task.delivery.id)
            task.again = True

    def _accept(self, task: _Task) -> None:
        delivery = task.delivery
        for rejection in delivery.rejections:
            logger.warning("%s cannot be ingested: %s: %s", rejection.uri, rejection.code, rejection.detail)
            measure({Metric.DOCUMENTS: 1}, "rejected")
        if delivery.problem:
            logger.warning("Delivery %s cannot be read: %s", delivery.id, delivery.problem)
            task.again = True
        for event in delivery.events:
            if document := self._accept_event(event):
                task.documents.append((event.tenant, document.id))

    def _accept_event(self, event: SourceEvent) -> Document | None:
        tenant = self._backend.store.tenant(event.tenant)
        try:
            return self._accept_into(tenant, event)
        except CollectionNotFound:
            logger.info("%s: its collection is gone", event.uri)
        except ConflictingSource as error:
            logger.warning("%s", error)
        return None

    def _accept_into(self, tenant: TenantStore, event: SourceEvent) -> Document | None:
        # A late deletion must not hide a newer object that an earlier event made us read already.
        if event.operation == "observe" or (event.operation == "delete" and event.record is None):
            return self._accept_observed(tenant, event)
        return tenant.ledger.accept(event, self._collection(tenant, event))

    def _accept_observed(self, tenant: TenantStore, event: SourceEvent) -> Document | None:
        """What stands behind the key now, at the order of the event that was the reason to look."""
        known = _order(tenant, event)
        found = replace(self._backend.source.observe(*event.place), order=event.order)
        collection = collection_for(found, tenant, self._backend.embedder)
        if event.order:
            return tenant.ledger.accept(found, collection)
        tenant.ledger.repair(found, collection, known=known)
        return _find(tenant, event)

    def _collection(self, tenant: TenantStore, event: SourceEvent) -> Collection:
        """A late event of an object that went with its collection must not bring the collection back."""
        try:
            return tenant.collections.get(event.collection)
        except CollectionNotFound:
            if event.record is None and self._backend.source.observe(*event.place).operation == "delete":
                raise
            return collection_for(event, tenant, self._backend.embedder)

    def _work_off(self, task: _Task, remaining: Callable[[], float]) -> None:
        for tenant, document_id in dict.fromkeys(task.documents):
            if remaining() < RESERVE or not self._finish(tenant, document_id, remaining):
                task.again = True

    def _sweep(self, task: _Task, remaining: Callable[[], float]) -> None:
        """What the schedule finds no time for is left to its next turn; a request goes on as a new one."""
        delivery = task.delivery
        store = self._backend.store
        tenants = store.tenants() if delivery.every_tenant else delivery.tenants
        done = sweep(store, self._pipeline, tenants, remaining)
        keep_up(store, tenants, remaining)
        if delivery.every_tenant:
            return
        if done.ended:  # else it might go round for ever
            for tenant in done.waiting:
                self._backend.source.request_work(tenant)
            done.waiting.clear()
        task.again = bool(done.waiting or done.postponed)

    def _keep_up(self, tenants: Iterable[str], remaining: Callable[[], float]) -> None:
        try:
            keep_up(self._backend.store, tenants, remaining)
        except Unavailable as error:  # the documents are searchable all the same
            logger.warning("The indexes are looked after with the next batch: %s", error)

    def _finish(self, tenant: str, document_id: str, remaining: Callable[[], float]) -> bool:
        """Whether the ledger now has the document's outcome."""
        store = self._backend.store.tenant(tenant)
        if work := store.ledger.claim(LEASE, document_id):
            with bound(tenant=tenant):
                self._pipeline.process(store.ledger, work, remaining=remaining)
        try:
            document = store.documents.get(document_id)
        except DocumentNotFound:  # erased
            return True
        if document.failure is not None:
            return document.status is DocumentStatus.FAILED and is_final(document.failure)
        return document.status is DocumentStatus.READY


def _in_time(tasks: Iterable[_Task], remaining: Callable[[], float]) -> Iterator[_Task]:
    """The tasks as long as there is time; the rest must come again."""
    for task in tasks:
        if remaining() < RESERVE:
            task.again = True
        else:
            yield task


def _order(tenant: TenantStore, event: SourceEvent) -> str:
    try:
        return tenant.ledger.order(tenant.collections.get(event.collection), event.key)
    except CollectionNotFound:
        return ""


def _find(tenant: TenantStore, event: SourceEvent) -> Document | None:
    try:
        return tenant.documents.find(event.collection, event.key)
    except DocumentNotFound:
        return None
