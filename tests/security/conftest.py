"""One closed API over one database for all of these tests; each uses tenants of its own."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from rag.backends.local import LocalBackend
from rag.settings import DatabaseSettings, EmbeddingSettings, GenerationSettings
from tests.security.closed import Closed, closed_api


@pytest.fixture(scope="session")
def security_backend(
    server: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalBackend]:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE security TEMPLATE {template}".encode())
    backend = LocalBackend(
        tmp_path_factory.mktemp("security"),
        database=DatabaseSettings(url=SecretStr(make_conninfo(server, dbname="security"))),
        embedding=EmbeddingSettings(embedding="wordllama"),
        generation=GenerationSettings(generation="extractive"),
    )
    yield backend
    backend.close()


@pytest.fixture(scope="session")
def closed(security_backend: LocalBackend) -> Iterator[Closed]:
    with closed_api(security_backend) as api:
        yield api
