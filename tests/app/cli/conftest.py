"""A real server, shared by the tests of all commands."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.cli.commands import OnServer, Served, serving, write_folder

SETTINGS = ("SERVER", "API_KEY", "DATA_DIR", "EMBEDDING", "GENERATION", "MAX_DOCUMENT_BYTES", "WORKERS")


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DATABASE_URL", *(f"ACERVO_{setting}" for setting in SETTINGS)):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Each test uses collections of its own."""
    with serving(tmp_path_factory.mktemp("served")) as server:
        yield server


@pytest.fixture
def on_server(served: Served) -> OnServer:
    return OnServer(url=served.url)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "documents")
