"""One API over one database for all of these tests; each uses collections of its own."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from ingestion.worker import Worker
from rag.backends.local import LocalBackend
from rag.settings import DatabaseSettings, EmbeddingSettings, GenerationSettings
from tests.app.api.serving import MAX_DOCUMENT_BYTES, Api, serving_backend


@pytest.fixture(scope="session")
def api_backend(
    server: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalBackend]:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE api TEMPLATE {template}".encode())
    backend = LocalBackend(
        tmp_path_factory.mktemp("api"),
        database=DatabaseSettings(url=SecretStr(make_conninfo(server, dbname="api"))),
        embedding=EmbeddingSettings(embedding="wordllama"),
        generation=GenerationSettings(generation="extractive"),
    )
    yield backend
    backend.close()


@pytest.fixture(scope="session")
def api(api_backend: LocalBackend) -> Iterator[Api]:
    worker = Worker(api_backend, threads=1, max_document_bytes=MAX_DOCUMENT_BYTES)
    with serving_backend(api_backend) as client:
        yield Api(client=client, backend=api_backend, worker=worker)
