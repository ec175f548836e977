"""Collections get a second embedding model, step by step, beside all other work."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from math import inf

from ingestion.attempt import LEASE, RESERVE
from ingestion.embed_stored import AT_ONCE, embed_stored
from ingestion.pipeline import Pipeline
from rag.domain.reembedding import ReembeddingWork
from rag.errors import AcervoError, DatabaseUnavailable, Unavailable
from rag.ports import TenantStore
from rag.telemetry import Metric, logger, measure

REMOVED_AT_ONCE = 5000
# When a step that failed is tried again: the model is away, or something must be mended first.
PAUSE = timedelta(seconds=5)
LONG_PAUSE = timedelta(minutes=1)

Remaining = Callable[[], float]


def reembed_once(tenant: TenantStore, pipeline: Pipeline, *, remaining: Remaining = lambda: inf) -> bool:
    """One step of any collection; False where nothing is due, or the step came to nothing."""
    work = tenant.reembedding.claim(LEASE)
    if work is None:
        return False
    step = _Step(tenant, work, pipeline, remaining)
    try:
        return step.remove() if work.discards else step.embed()
    except DatabaseUnavailable:
        raise
    except AcervoError as error:
        logger.warning("reembedding with %s: %s: %s", work.model.id, error.code, error)
        pause = PAUSE if isinstance(error, Unavailable) else LONG_PAUSE
        tenant.reembedding.release(work, delay=pause, failure=f"{error.code}: {error.detail}")
        return False


@dataclass(frozen=True)
class _Step:
    tenant: TenantStore
    work: ReembeddingWork
    pipeline: Pipeline
    remaining: Remaining

    def embed(self) -> bool:
        """Vectors are stored as they come, so a crash repeats only the calls in flight."""
        store, work = self.tenant.reembedding, self.work
        embedder = self.pipeline.embedder_of(work.model)
        chunks = store.unembedded(work, limit=AT_ONCE)
        if not chunks:
            store.release(work, complete=True)
            return True
        for vectors in embed_stored(embedder, chunks, known=self.tenant.ledger.known_embeddings):
            if not store.save(work, vectors, lease=LEASE):
                return True  # switched, given up or taken over meanwhile
            measure({Metric.CHUNKS_EMBEDDED: len(vectors)})
            if self.remaining() < RESERVE:
                store.release(work)
                return True
        store.release(work, last=chunks[-1])
        return True

    def remove(self) -> bool:
        self.tenant.reembedding.remove_vectors(self.work, limit=REMOVED_AT_ONCE)
        self.tenant.reembedding.release(self.work)
        return True
