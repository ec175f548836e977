"""After a thousand random file operations source and ledger agree, lost and repeated events included."""

import json
from collections.abc import Mapping
from math import inf
from pathlib import Path
from random import Random
from typing import Any

from ingestion.handler import Handler
from ingestion.pipeline import Pipeline
from ingestion.reconcile import differences, reconcile
from ingestion.worker import work_once
from rag.adapters.folder import FolderSource
from rag.adapters.postgres.store import PostgresStore
from rag.adapters.s3 import S3Source
from rag.domain.documents import DocumentStatus
from rag.domain.pages import every
from rag.ports import TenantStore
from tests.doubles.bucket import Bucket, Change
from tests.doubles.counting_embedder import CountingEmbedder
from tests.doubles.s3_server import BUCKET, s3_server
from tests.doubles.write_backend import WriteBackend

OPERATIONS = 1000
KEYS = [f"{folder}file{number}.txt" for folder in ("", "sub/", "sub/deeper/") for number in range(15)]


def searchable(tenant: TenantStore) -> dict[str, str]:
    """The text behind every key; every document must be ready."""
    found = list(every(lambda page: tenant.documents.list("notes", page)))
    assert {document.status for document in found} <= {DocumentStatus.READY}
    return {document.key: tenant.documents.text(document.id) for document in found}


def test_a_folder(store: PostgresStore, tmp_path: Path) -> None:
    random = Random(20261123)
    source, embedder = FolderSource(tmp_path), CountingEmbedder()
    backend = WriteBackend(store=store, source=source, embedder=embedder)
    pipeline = Pipeline(source=source, embedder=embedder, max_document_bytes=100_000)
    folder = tmp_path / "notes"
    for number in range(OPERATIONS):
        _operate(random, folder / random.choice(KEYS), number)
        if random.random() < 0.02:
            reconcile(store=store, source=source, embedder=embedder)
        if random.random() < 0.3:
            work_once(backend, pipeline)
    reconcile(store=store, source=source, embedder=embedder)
    while work_once(backend, pipeline):
        pass
    assert list(differences(store=store, source=source)) == []
    left = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.txt")}
    assert searchable(store.tenant("local")) == left
    assert left


def _operate(random: Random, path: Path, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    operation = random.choices(("write", "remove", "move", "describe"), (5, 3, 1, 1))[0]
    if operation == "write" or not path.exists():
        path.write_text(f"Text number {number}.")
    elif operation == "remove":
        path.unlink()
    elif operation == "move":
        path.replace(path.with_name(random.choice(KEYS).rpartition("/")[2]))
    else:
        path.with_name(path.name + ".metadata.json").write_text(json.dumps({"title": f"Title {number}"}))


def test_a_bucket_whose_events_are_late_repeated_and_lost(store: PostgresStore) -> None:
    random = Random(20261123)
    with s3_server() as server:
        source, embedder = (
            S3Source(BUCKET, default_tenant="default", client=server.client()),
            CountingEmbedder(),
        )
        backend = WriteBackend(store=store, source=source, embedder=embedder)
        handler = Handler(backend, default_tenant="default", max_document_bytes=100_000)
        waiting: list[Mapping[str, Any]] = []
        for number in range(OPERATIONS):
            change = _change(random, server.bucket, number)
            if random.random() > 0.2:
                waiting.append(change.notification)
            if waiting and random.random() < 0.1:
                waiting.append(random.choice(waiting))
            if waiting and random.random() < 0.1:
                _deliver(random, waiting, handler)
        while waiting:
            _deliver(random, waiting, handler)
        lost = list(differences(store=store, source=source))
        reconcile(store=store, source=source, embedder=embedder)
        pipeline = Pipeline(source=source, embedder=embedder, max_document_bytes=100_000)
        while work_once(backend, pipeline):
            pass
        assert list(differences(store=store, source=source)) == []
        found = server.bucket.objects()
    left = {name.partition("/")[2]: body.decode() for name, body in found.items() if not _beside(name)}
    assert lost, "the test loses events, and reconcile sees it"
    tenant = store.tenant("default")
    assert searchable(tenant) == left
    described = {name: json.loads(found.get(f"notes/{name}.metadata.json", b"{}")) for name in left}
    assert {name: tenant.documents.find("notes", name).title for name in left} == {
        name: said.get("title") for name, said in described.items()
    }
    assert any(described.values())


def _beside(name: str) -> bool:
    return name.endswith(".metadata.json")


def _change(random: Random, bucket: Bucket, number: int) -> Change:
    """Of an object, or of its side-car."""
    describing = random.random() < 0.2
    name = f"notes/{random.choice(KEYS)}" + (".metadata.json" if describing else "")
    if random.random() < 0.3:
        return bucket.delete(name)
    body = json.dumps({"title": f"Title {number}"}) if describing else f"Text {number}."
    return bucket.put(name, body.encode())


def _deliver(random: Random, waiting: list[Mapping[str, Any]], handler: Handler) -> None:
    """A batch of any of the waiting notifications, in any order."""
    random.shuffle(waiting)
    batch, waiting[:] = waiting[:10], waiting[10:]
    messages = [
        {"messageId": str(number), "eventSource": "aws:sqs", "body": json.dumps(body)}
        for number, body in enumerate(batch)
    ]
    assert handler.handle({"Records": messages}, lambda: inf) == {"batchItemFailures": []}
