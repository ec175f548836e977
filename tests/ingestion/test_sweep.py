"""Work that no message tells of: asked for through the bucket, or found by the schedule."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from math import inf
from pathlib import Path

import pytest

from ingestion.attempt import LEASE, RESERVE
from ingestion.handler import Handler, IngestionUnfinished
from ingestion.outcome import MAX_ATTEMPTS
from ingestion.reembedding import ReembeddingAdministration
from rag.adapters.postgres.store import PostgresStore
from rag.adapters.s3 import S3Source
from rag.domain.documents import Attributes, Chunking, ChunkingStrategy, DocumentStatus, NewCollection
from rag.errors import DatabaseUnavailable, ModelUnavailable, NotFound, Throttled
from rag.ports import TenantStore
from tests.doubles.counting_embedder import CountingEmbedder
from tests.doubles.s3_server import BUCKET, S3Server, s3_server
from tests.doubles.write_backend import WriteBackend

SCHEDULED = json.loads(
    (Path(__file__).parents[1] / "events" / "schedule" / "sweep.json").read_text(encoding="utf-8")
)


class Deployment:
    """The ingestion function behind a queue that holds what the bucket told since it was last read."""

    def __init__(self, store: PostgresStore, server: S3Server) -> None:
        self.store = store
        self.server = server
        self.embedder = CountingEmbedder()
        self.source = S3Source(BUCKET, default_tenant="default", client=server.client())
        self.backend = WriteBackend(store=store, source=self.source, embedder=self.embedder)
        self.handler = Handler(self.backend, default_tenant="default", max_document_bytes=100_000)

    def tenant(self, name: str = "default") -> TenantStore:
        """With the collection `notes`."""
        tenant = self.store.tenant(name)
        tenant.collections.ensure(NewCollection(name="notes", embedding=self.embedder.model))
        return tenant

    def announce(self, tenant: str, *keys: str) -> None:
        """Objects that the ledger knows of, and whose notifications are lost."""
        store = self.tenant(tenant)
        for key in keys:
            event = self.source.put(tenant, "notes", key, BytesIO(f"Text of {key}.".encode()), Attributes())
            store.ledger.accept(event, store.collections.get("notes"))
        self.server.changes.clear()

    def deliver(self, seconds: Iterator[float] | None = None) -> int:
        """Everything that waits in the queue, as one batch; returns how many messages are handed back."""
        waiting = [change.notification for change in self.server.changes]
        self.server.changes.clear()
        records = [
            {"messageId": str(number), "eventSource": "aws:sqs", "body": json.dumps(body)}
            for number, body in enumerate(waiting)
        ]
        remaining = (lambda: next(seconds)) if seconds else (lambda: inf)
        return len(self.handler.handle({"Records": records}, remaining)["batchItemFailures"])

    def statuses(self, tenant: str, *keys: str) -> set[str]:
        return {str(self.store.tenant(tenant).documents.find("notes", key).status) for key in keys}


@pytest.fixture
def deployment(store: PostgresStore) -> Iterator[Deployment]:
    with s3_server() as server:
        yield Deployment(store, server)


def seconds_for(documents: int) -> Iterator[float]:
    """Enough time to claim so many documents, then none: time is asked for once before each."""
    # Three times more: when a message is accepted and taken up, and by the sweep itself.
    return itertools.chain([RESERVE + 1] * (2 + documents), itertools.repeat(0.0))


def test_a_retried_document_is_taken_up_by_the_request(deployment: Deployment) -> None:
    deployment.announce("acme", "a.txt")
    deployment.embedder.failing = ModelUnavailable("nobody answers")
    for _ in range(MAX_ATTEMPTS):
        deployment.source.request_work("acme")
        deployment.deliver()
        _let_time_pass(deployment)
    assert deployment.statuses("acme", "a.txt") == {"failed"}
    deployment.embedder.failing = None
    deployment.source.request_work("acme")
    assert deployment.deliver() == 0
    assert deployment.statuses("acme", "a.txt") == {"failed"}
    documents = deployment.store.tenant("acme").documents
    documents.retry(documents.find("notes", "a.txt").id)
    deployment.source.request_work("acme")
    assert deployment.deliver() == 0
    assert deployment.statuses("acme", "a.txt") == {"ready"}


def test_documents_that_new_chunking_outdates_are_taken_up_by_the_request(deployment: Deployment) -> None:
    deployment.announce("acme", *(f"{number}.txt" for number in range(8)))
    deployment.source.request_work("acme")
    assert deployment.deliver() == 0
    collections = deployment.store.tenant("acme").collections
    whole = Chunking(strategy=ChunkingStrategy.WHOLE)
    assert collections.update("notes", chunking=whole).outdated_count == 8
    deployment.source.request_work("acme")
    invocations = 0
    while deployment.server.changes:
        assert deployment.deliver(seconds_for(6)) == 0
        invocations += 1
    assert invocations > 1
    assert collections.get("notes").outdated_count == 0


def test_a_request_is_for_one_tenant(deployment: Deployment) -> None:
    deployment.announce("acme", "a.txt")
    deployment.announce("umbrella", "a.txt")
    deployment.source.request_work("acme")
    assert deployment.deliver() == 0
    assert deployment.statuses("acme", "a.txt") == {"ready"}
    assert deployment.statuses("umbrella", "a.txt") == {"pending"}


def test_what_is_put_off_is_handed_back(deployment: Deployment) -> None:
    deployment.announce("acme", "a.txt")
    deployment.embedder.failing = Throttled("slow down")
    deployment.source.request_work("acme")
    assert deployment.deliver() == 1


def test_a_large_collection_is_erased_over_several_invocations(deployment: Deployment) -> None:
    keys = [f"{number}.txt" for number in range(20)]
    deployment.announce("acme", *keys)
    tenant = deployment.store.tenant("acme")
    deployment.source.remove_collection("acme", "notes")
    tenant.collections.delete("notes")
    deployment.server.changes.clear()
    deployment.source.request_work("acme")
    invocations = 0
    while deployment.server.changes:
        assert deployment.deliver(seconds_for(6)) == 0
        invocations += 1
    assert 3 <= invocations <= 5
    assert tenant.ledger.claim(LEASE) is None
    tenant.collections.create(NewCollection(name="notes", embedding=deployment.embedder.model))


def test_without_progress_nothing_goes_round(deployment: Deployment) -> None:
    deployment.announce("acme", "a.txt")
    deployment.source.request_work("acme")
    assert deployment.deliver(seconds_for(0)) == 1
    assert deployment.server.changes == []


def test_the_schedule_finds_the_work_of_every_tenant(deployment: Deployment) -> None:
    tenants = ("acme", "default", "umbrella")
    for tenant in tenants:
        deployment.announce(tenant, "a.txt", "b.txt")
    assert deployment.handler.handle(SCHEDULED, lambda: inf) == {"batchItemFailures": []}
    assert [deployment.statuses(tenant, "a.txt", "b.txt") for tenant in tenants] == [{"ready"}] * 3
    paid = list(deployment.embedder.embedded)
    deployment.handler.handle(SCHEDULED, lambda: inf)
    assert deployment.embedder.embedded == paid


def test_what_the_schedule_finds_no_time_for_waits_for_its_next_turn(deployment: Deployment) -> None:
    deployment.announce("acme", *(f"{number}.txt" for number in range(8)))
    clock = seconds_for(2)
    deployment.handler.handle(SCHEDULED, lambda: next(clock))
    assert deployment.statuses("acme", *(f"{number}.txt" for number in range(8))) == {"pending", "ready"}
    assert deployment.server.changes == []
    deployment.handler.handle(SCHEDULED, lambda: inf)
    assert deployment.statuses("acme", *(f"{number}.txt" for number in range(8))) == {"ready"}


def test_a_tenant_with_much_to_do_does_not_make_the_others_wait(deployment: Deployment) -> None:
    deployment.announce("acme", *(f"{number}.txt" for number in range(30)))
    deployment.announce("umbrella", "a.txt")
    clock = seconds_for(25)
    deployment.handler.handle(SCHEDULED, lambda: next(clock))
    assert deployment.statuses("umbrella", "a.txt") == {"ready"}


def test_the_schedule_tells_when_it_cannot_work(deployment: Deployment) -> None:
    class Away(PostgresStore):
        def tenants(self) -> tuple[str, ...]:
            raise DatabaseUnavailable

    backend = WriteBackend(store=Away.__new__(Away), source=deployment.source, embedder=deployment.embedder)
    handler = Handler(backend, default_tenant="default", max_document_bytes=100_000)
    with pytest.raises(IngestionUnfinished):
        handler.handle(SCHEDULED, lambda: inf)


def test_a_deleted_document_whose_object_is_gone_is_found(deployment: Deployment) -> None:
    deployment.announce("acme", "a.txt")
    tenant = deployment.store.tenant("acme")
    event = deployment.source.remove("acme", "notes", "a.txt")
    tenant.ledger.accept(event, tenant.collections.get("notes"))
    deployment.server.changes.clear()
    assert tenant.documents.find("notes", "a.txt").status is DocumentStatus.DELETING
    deployment.handler.handle(SCHEDULED, lambda: inf)
    with pytest.raises(NotFound):
        tenant.documents.find("notes", "a.txt")


def test_a_second_model_is_made_over_several_invocations(deployment: Deployment) -> None:
    deployment.announce("acme", *(f"{number}.txt" for number in range(5)))
    deployment.handler.handle(SCHEDULED, lambda: inf)
    other = CountingEmbedder("other")
    backend = replace(deployment.backend, other_embedders=(lambda: other,))
    deployment.handler = Handler(backend, default_tenant="default", max_document_bytes=100_000)
    administration = ReembeddingAdministration(backend=backend, tenant="acme", max_document_bytes=100_000)
    administration.start("notes", "other", None, lambda _: None)
    # For the message, for the sweep, and for one step, which ends before its last chunk is written.
    assert deployment.deliver(itertools.chain([RESERVE + 1] * 3, itertools.repeat(0.0))) == 0
    assert not administration.status("notes").complete
    assert len(deployment.server.changes) == 1, "it goes on as a new request"
    assert deployment.deliver() == 0
    assert administration.status("notes").complete
    assert administration.switch("notes").serving == other.model
    assert len(other.embedded) == 5


def _let_time_pass(deployment: Deployment) -> None:
    """What was put off is due."""
    tenant = deployment.store.tenant("acme")
    with tenant._session.transaction() as connection:  # noqa: SLF001 - a clock to set forward
        connection.execute("UPDATE documents SET offered_at = now() - interval '1 s'")
