"""A full disk: said so, nothing lost, and the queue goes on when there is room again."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient

from app.api.main import create_app
from app.auth import Anonymous
from ingestion.worker import Worker
from rag.adapters.postgres.connection import translated_errors
from rag.backends.local import LocalBackend
from rag.domain.documents import Attributes
from rag.errors import DataDirectoryError, InsufficientStorage
from rag.settings import ServerSettings


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own for the source's folder."""
    disk = tmp_path / "data"
    disk.mkdir()
    command = ("mount", "-t", "tmpfs", "-o", "size=512k", "acervo-test", str(disk))
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("a file system may not be mounted here")
    yield disk
    subprocess.run(("umount", str(disk)), check=True)  # noqa: S607 - as above


def fill(disk: Path) -> Path:
    filling = disk / "documents" / ".filling"
    with suppress(OSError), filling.open("wb", buffering=0) as file:
        while True:
            file.write(b"." * 4096)
    return filling


def test_full_disk_is_507_with_advice_and_nothing_is_lost(small_disk: Path, backend: LocalBackend) -> None:
    app = create_app(
        backend,
        ServerSettings(),
        max_document_bytes=1_000_000,
        anonymous=Anonymous.LOCAL_UNTIL_CREDENTIALS_EXIST,
    )
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        assert client.post("/v1/collections", json={"name": "manual"}).status_code == 201
        path = "/v1/collections/manual/documents"
        kept = {"key": "a.txt", "text": "Kept for good."}
        assert client.post(path, json=kept).status_code == 202
        filling = fill(small_disk)
        refused = client.post(path, json={"key": "a.txt", "text": "Changed. " * 1000})
        assert refused.status_code == 507
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["retry-after"]
        assert refused.json()["code"] == "insufficient_storage"
        assert "free some space" in refused.json()["detail"]
        assert (small_disk / "documents/manual/a.txt").read_text() == "Kept for good."
        filling.unlink()
        assert client.post(path, json={"key": "a.txt", "text": "Changed. " * 1000}).status_code == 202


def test_full_database_disk_is_its_own_error() -> None:
    with pytest.raises(InsufficientStorage, match="could not extend"), translated_errors():
        raise psycopg.errors.DiskFull("could not extend file: No space left on device")


def test_document_waits_however_often_the_disk_is_full(
    backend: LocalBackend, worker: Worker, conninfo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, store = backend.source, backend.store.tenant("local")
    source.put("local", "manual", "a.txt", BytesIO(b"Some text to keep."), Attributes())
    worker.reconcile()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(type(source), "download", full)
        for _ in range(7):
            worker.work_once()
            with psycopg.connect(conninfo) as connection:
                connection.execute("UPDATE acervo.documents SET offered_at = now() - interval '1 hour'")
    worker.work_once()
    document = store.documents.find("manual", "a.txt")
    assert document.status == "ready"


def test_read_only_data_directory_is_refused_in_words(small_disk: Path) -> None:
    subprocess.run(("mount", "-o", "remount,ro", str(small_disk)), check=True)  # noqa: S607 - as above
    backend = LocalBackend(small_disk)
    with pytest.raises(DataDirectoryError, match="make it writable, or name another"):
        backend.source  # noqa: B018 - built when asked for
