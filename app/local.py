"""Local mode's entry point: the HTTP service, the write path and the database in one process."""

import ipaddress
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import uvicorn
from fastapi import FastAPI

from app.api.main import create_app
from app.checks import Check
from app.loopback import LoopbackGuard
from ingestion.worker import Worker
from rag.backends.local import LocalBackend
from rag.domain.pages import every
from rag.errors import AcervoError, EmbeddingModelMismatch, SettingInvalid
from rag.ports import Backend
from rag.settings import DatabaseSettings, IngestionSettings, ServerSettings
from rag.telemetry import configure_logging

# How long requests in hand may take when the server is told to stop, seconds.
GRACE = 10


def serve(*, data_dir: Path, host: str = "127.0.0.1", port: int = 8000) -> None:
    """Serves until SIGINT or SIGTERM; then finishes the documents in hand and stops the database."""
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise SettingInvalid(
            f"Local mode asks for no credentials, so it listens on this machine only, not on {host}."
        )
    configure_logging()
    with _running(data_dir) as app:
        app.add_middleware(LoopbackGuard, origins=ServerSettings().cors_origins)
        uvicorn.run(app, host=host, port=port, log_level="info", timeout_graceful_shutdown=GRACE)


@contextmanager
def private_server(data_dir: Path) -> Iterator[Path]:
    """The same service on a Unix socket that only this user can reach; yields the socket's path."""
    with _running(data_dir) as app, tempfile.TemporaryDirectory(prefix="acervo-") as folder:
        socket = Path(folder) / "http.sock"
        config = uvicorn.Config(app, uds=str(socket), log_level="warning", timeout_graceful_shutdown=GRACE)
        server = uvicorn.Server(config)
        thread = Thread(target=server.run, name="http", daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            thread.join(0.01)
        try:
            yield socket
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def _running(data_dir: Path) -> Iterator[FastAPI]:
    ingestion = IngestionSettings()
    backend = LocalBackend(data_dir)
    try:
        check_embedding_model(backend)
        worker = Worker(backend, threads=ingestion.workers, max_document_bytes=ingestion.max_document_bytes)
        worker.start()
        try:
            yield create_app(backend, ServerSettings(), max_document_bytes=ingestion.max_document_bytes)
        finally:
            worker.stop()
    finally:
        backend.close()


def check_embedding_model(backend: Backend) -> None:
    """Raises EmbeddingModelMismatch where a collection holds another model's vectors."""
    for tenant in backend.store.tenants():
        for collection in every(backend.store.tenant(tenant).collections.list):
            if collection.embedding != backend.embedder.model:
                raise EmbeddingModelMismatch(
                    f"The collection {collection.name!r} was embedded with {collection.embedding.id}, and"
                    f" {backend.embedder.model.id} is configured. Set ACERVO_EMBEDDING back, or use"
                    " another data directory (--data-dir)."
                )


def diagnose(data_dir: Path) -> Iterator[Check]:
    """Whether each part of local mode works, found out by using it."""
    given = DatabaseSettings().url is not None
    log = data_dir / "postgres" / "server.log"
    backend = LocalBackend(data_dir)
    try:
        yield _check(
            "database",
            lambda: _describe_database(backend, "of DATABASE_URL" if given else "embedded"),
            "Correct DATABASE_URL, or start its server." if given else f"Read {log}, if it is there.",
        )
        yield _check(
            "embedding model", lambda: _describe_embedder(backend), "Correct or unset ACERVO_EMBEDDING."
        )
        yield _check("generation", lambda: backend.generator.model.id, "Correct or unset ACERVO_GENERATION.")
        yield _check("collections", lambda: _describe_collections(backend), "See to what failed above first.")
    finally:
        backend.close()


def _check(name: str, describe: Callable[[], str], advice: str) -> Check:
    try:
        return Check(name=name, ok=True, detail=describe())
    except AcervoError as error:
        return Check(name=name, ok=False, detail=error.detail, advice=advice)


def _describe_database(backend: Backend, which: str) -> str:
    backend.store.check()
    return f"PostgreSQL {which} answers, its pgvector is new enough, the schema is current"


def _describe_embedder(backend: Backend) -> str:
    dimensions = len(backend.embedder.embed_query("Does it work?"))
    return f"{backend.embedder.model.id}, {dimensions} dimensions"


def _describe_collections(backend: Backend) -> str:
    check_embedding_model(backend)
    return "their vectors are the embedding model's"
