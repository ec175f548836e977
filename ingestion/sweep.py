"""Works off what waits in the ledger, whatever put it there."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ingestion.attempt import LEASE, RESERVE
from ingestion.pipeline import Pipeline
from ingestion.reembed import reembed_once
from rag.domain.documents import DocumentStatus
from rag.errors import DocumentNotFound
from rag.ports import Store, TenantStore
from rag.telemetry import bound

_ENDED = frozenset({DocumentStatus.READY, DocumentStatus.FAILED})


@dataclass(kw_only=True)
class Sweep:
    """How far one went.

    `ended`: documents, and steps of reembeddings.
    `waiting`: tenants that may have more to do; `postponed`: ids of documents that are offered again later.
    """

    waiting: list[str]
    ended: int = 0
    postponed: set[str] = field(default_factory=set)


def sweep(store: Store, pipeline: Pipeline, tenants: Iterable[str], remaining: Callable[[], float]) -> Sweep:
    """Until nothing is due, or there is no time left; the tenants take turns at random."""
    done = Sweep(waiting=list(tenants))
    while done.waiting and remaining() >= RESERVE:
        name = random.choice(done.waiting)  # noqa: S311 - not cryptography
        tenant = store.tenant(name)
        work = tenant.ledger.claim(LEASE)
        if work is None:
            if reembed_once(tenant, pipeline, remaining=remaining):
                done.ended += 1
            else:
                done.waiting.remove(name)
            continue
        with bound(tenant=name):
            pipeline.process(tenant.ledger, work, remaining=remaining)
        if _has_ended(tenant, work.document_id):
            done.ended += 1
            done.postponed.discard(work.document_id)
        else:
            done.postponed.add(work.document_id)
    return done


def _has_ended(tenant: TenantStore, document_id: str) -> bool:
    try:
        return tenant.documents.get(document_id).status in _ENDED
    except DocumentNotFound:  # erased
        return True
