"""The ledger follows the source in both directions, and brings nothing back."""

import json
from collections.abc import Iterator
from io import BytesIO
from math import inf
from pathlib import Path

import pytest

from ingestion.handler import Handler
from ingestion.pipeline import Pipeline
from ingestion.reconcile import differences, reconcile
from ingestion.worker import Worker, work_once
from rag.adapters.folder import FolderSource
from rag.adapters.postgres.store import PostgresStore
from rag.adapters.s3 import S3Source
from rag.backends.local import LocalBackend
from rag.domain.documents import Attributes, DocumentStatus, SourceEvent
from rag.domain.pages import PageRequest
from tests.doubles.counting_embedder import CountingEmbedder
from tests.doubles.s3_server import BUCKET, s3_server
from tests.doubles.write_backend import WriteBackend


@pytest.fixture
def folder(backend: LocalBackend, tmp_path: Path) -> Path:
    """The collection `notes` as a person sees it."""
    assert list(backend.source.scan()) == []
    path = tmp_path / "data" / "documents" / "notes"
    path.mkdir()
    return path


def statuses(backend: LocalBackend) -> dict[str, tuple[DocumentStatus, int]]:
    found = backend.store.tenant("local").documents.list("notes", PageRequest(limit=100)).items
    return {document.key: (document.status, document.version) for document in found}


def settle(worker: Worker) -> int:
    changes = worker.reconcile()
    while worker.work_once():
        pass
    return changes


def test_dropped_changed_and_removed_files(backend: LocalBackend, worker: Worker, folder: Path) -> None:
    (folder / "a.txt").write_text("The first text.")
    (folder / "b.md").write_text("# Title\n\nThe second text.")
    assert settle(worker) == 2
    ready = DocumentStatus.READY
    assert statuses(backend) == {"a.txt": (ready, 1), "b.md": (ready, 1)}
    assert settle(worker) == 0
    (folder / "a.txt").write_text("Another text altogether.")
    (folder / "b.md").unlink()
    assert settle(worker) == 2
    assert statuses(backend) == {"a.txt": (ready, 2)}
    (folder / "a.txt.metadata.json").write_text('{"title": "Letter", "metadata": {"year": 2026}}')
    assert settle(worker) == 1
    document = backend.store.tenant("local").documents.find("notes", "a.txt")
    assert (document.title, document.metadata, document.version) == ("Letter", {"year": 2026}, 2)


def test_impossible_names_are_left_alone(backend: LocalBackend, worker: Worker, folder: Path) -> None:
    (folder.parent / "Not A Name").mkdir()
    (folder.parent / "Not A Name" / "a.txt").write_text("Text.")
    (folder / "fine.txt").write_text("Text.")
    assert settle(worker) == 1
    assert set(statuses(backend)) == {"fine.txt"}


class VanishingSource(FolderSource):
    """Its collection is deleted by somebody else while it is being scanned."""

    store: PostgresStore

    def scan(self) -> Iterator[SourceEvent]:
        events = list(super().scan())
        self.remove_collection("local", "notes")
        self.store.tenant("local").collections.delete("notes")
        yield from events


def test_a_collection_deleted_meanwhile_does_not_come_back(backend: LocalBackend, tmp_path: Path) -> None:
    source = VanishingSource(tmp_path / "bucket")
    source.store = backend.store
    for key in ("a.txt", "b.txt"):
        source.put("local", "notes", key, BytesIO(b"Text."), Attributes())
        if key == "a.txt":  # b.txt is still unknown to the ledger when the collection goes
            reconcile(
                store=backend.store, source=FolderSource(tmp_path / "bucket"), embedder=backend.embedder
            )
    assert reconcile(store=backend.store, source=source, embedder=backend.embedder) == 0
    assert backend.store.tenant("local").collections.list(PageRequest()).items == ()


def test_side_cars_whose_events_were_lost_are_noticed(store: PostgresStore) -> None:
    with s3_server() as server:
        source = S3Source(BUCKET, default_tenant="default", client=server.client())
        embedder = CountingEmbedder()
        backend = WriteBackend(store=store, source=source, embedder=embedder)
        handler = Handler(backend, default_tenant="default", max_document_bytes=100_000)
        dropped = server.bucket.put("notes/a.txt", b"Text.").notification
        server.bucket.put("notes/a.txt.backup", b"Another text.")
        handler.handle(dropped, lambda: inf)
        settle_bucket(backend)
        paid = list(embedder.embedded)
        documents = store.tenant("default").documents
        for body in (b'{"title": "One"}', b'{"title": "Two", "metadata": {"year": 2026}}'):
            server.bucket.put("notes/a.txt.metadata.json", body)
            assert settle_bucket(backend) == ["notes/a.txt"]
            assert documents.find("notes", "a.txt").title == json.loads(body)["title"]
        server.bucket.delete("notes/a.txt.metadata.json")
        assert settle_bucket(backend) == ["notes/a.txt"]
        assert (documents.find("notes", "a.txt").title, documents.find("notes", "a.txt").metadata) == (
            None,
            {},
        )
        assert embedder.embedded == paid
        handler.handle(dropped, lambda: inf)
        assert settle_bucket(backend) == []


def settle_bucket(backend: WriteBackend) -> list[str]:
    """What differed, repaired and worked off; nothing then differs any more."""
    found = list(differences(store=backend.store, source=backend.source))
    reconcile(store=backend.store, source=backend.source, embedder=backend.embedder)
    pipeline = Pipeline(source=backend.source, embedder=backend.embedder, max_document_bytes=100_000)
    while work_once(backend, pipeline):
        pass
    assert list(differences(store=backend.store, source=backend.source)) == []
    return ["/".join(drift.place[1:]) for drift in found]
