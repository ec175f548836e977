"""Real PostgreSQL for every test that stores: one embedded server, one template database, a copy each."""

import ipaddress
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import settings
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from ingestion.worker import Worker
from rag.adapters.postgres.embedded import EmbeddedServer
from rag.adapters.postgres.migrate import migrate
from rag.adapters.postgres.store import PostgresStore
from rag.backends.local import LocalBackend
from rag.settings import DatabaseSettings, EmbeddingSettings, GenerationSettings

DATA = Path(__file__).parents[2] / "shared" / "data"


def _only_loopback(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect" or not isinstance(arguments[1], tuple):
        return
    host = arguments[1][0]
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise PermissionError(f"tests may not reach {host}")


sys.addaudithook(_only_loopback)

# A runner started in the background ignores SIGINT, and so would every process that these tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A timed assertion does not belong in the tests: machines are shared.
settings.register_profile("acervo", deadline=None, print_blob=True)
settings.load_profile("acervo")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The conninfo of a throw-away server's superuser."""
    with EmbeddedServer(tmp_path_factory.mktemp("server"), sync=False) as running:
        yield running.start()


@pytest.fixture(scope="session")
def template(server: str) -> str:
    """The name of a migrated database to copy."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE template_acervo")
    migrate(make_conninfo(server, dbname="template_acervo"))
    return "template_acervo"


@pytest.fixture
def conninfo(server: str, template: str) -> Iterator[str]:
    """A database of the test's own."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        yield make_conninfo(server, dbname=name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def store(conninfo: str) -> Iterator[PostgresStore]:
    opened = PostgresStore(conninfo)
    yield opened
    opened.close()


@pytest.fixture
def backend(conninfo: str, tmp_path: Path) -> Iterator[LocalBackend]:
    """Local mode over the test's database: bundled embedding model, extractive answers."""
    local = LocalBackend(
        tmp_path / "data",
        database=DatabaseSettings(url=SecretStr(conninfo)),
        embedding=EmbeddingSettings(embedding="wordllama"),
        generation=GenerationSettings(generation="extractive"),
    )
    yield local
    local.close()


@pytest.fixture
def worker(backend: LocalBackend) -> Worker:
    """Not started: tests drive it by `work_once` and `reconcile`."""
    return Worker(backend, threads=1, max_document_bytes=50_000_000)


@pytest.fixture(scope="session")
def data() -> Path:
    """The public datasets beside the checkout."""
    if not DATA.is_dir():
        pytest.skip(f"{DATA} is absent")
    return DATA
