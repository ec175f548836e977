"""Requests while PostgreSQL is killed: 503 with Retry-After, then answers again, without hands."""

import os
import signal
import time
from pathlib import Path

from fastapi.testclient import TestClient

from app.api.main import create_app
from app.auth import Anonymous
from rag.backends.local import LocalBackend
from rag.settings import ServerSettings

LIMIT = 30


def test_searches_answer_again_after_a_kill(tmp_path: Path) -> None:
    backend = LocalBackend(tmp_path)
    app = create_app(
        backend, ServerSettings(), max_document_bytes=1_000, anonymous=Anonymous.LOCAL_UNTIL_CREDENTIALS_EXIST
    )
    asked = {"query": "anything", "collections": ["manual"]}
    with TestClient(app, base_url="http://127.0.0.1") as client:
        assert client.post("/v1/collections", json={"name": "manual"}).status_code == 201
        assert client.post("/v1/search", json=asked).status_code == 200
        os.kill(int((tmp_path / "postgres/data/postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        time.sleep(0.1)
        started = time.monotonic()
        while (answer := client.post("/v1/search", json=asked)).status_code != 200:
            assert answer.status_code == 503
            assert answer.json()["code"] == "database_unavailable"
            assert answer.headers["retry-after"]
            assert time.monotonic() - started < LIMIT
            time.sleep(0.1)
    backend.close()
