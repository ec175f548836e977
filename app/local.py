"""Local mode's entry point: the HTTP service, the write path and the database in one process."""

import asyncio
import ipaddress
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import uvicorn
from fastapi import FastAPI

from app.api.main import create_app
from app.api.model_calls import ModelCalls
from app.auth import Anonymous
from app.checks import Check
from app.loopback import LoopbackGuard
from app.serving.config import server_config
from ingestion.worker import Worker
from rag.backends.local import LocalBackend
from rag.domain.pages import every
from rag.embedders import embedder_of
from rag.errors import AcervoError, EmbeddingModelMismatch, SettingInvalid
from rag.ports import Backend
from rag.settings import DatabaseSettings, IngestionSettings, ParsingSettings, ServerSettings
from rag.telemetry import configure_logging

# How long requests in hand may take when the server is told to stop, seconds.
GRACE = 10
# What models have not finished by then gets its last words within this time, before connections are cut.
LAST_WORDS = 5
# The exit code of a server that could not begin to listen.
NOT_STARTED = 3


def serve(*, data_dir: Path, host: str = "127.0.0.1", port: int = 8000, grace: int = GRACE) -> None:
    """Serves until SIGINT or SIGTERM; then finishes the documents in hand and stops the database."""
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise SettingInvalid(
            f"Local mode asks for no credentials, so it listens on this machine only, not on {host}."
        )
    configure_logging()
    with _running(data_dir, Anonymous.LOCAL_UNTIL_CREDENTIALS_EXIST) as app:
        app.add_middleware(LoopbackGuard, origins=ServerSettings().cors_origins)
        config = server_config(app, host=host, port=port, log_level="info")
        server = _Server(config, app.state.model_calls, grace=grace)
        with suppress(KeyboardInterrupt):
            server.run()
        if not server.started:
            raise SystemExit(NOT_STARTED)


@contextmanager
def private_server(data_dir: Path) -> Iterator[Path]:
    """The same service on a Unix socket that only this user can reach; yields the socket's path."""
    with _running(data_dir, Anonymous.LOCAL) as app, tempfile.TemporaryDirectory(prefix="acervo-") as folder:
        path = Path(folder) / "http.sock"
        config = server_config(app, uds=str(path), log_level="warning")
        server = _Server(config, app.state.model_calls, grace=GRACE)
        thread = Thread(target=server.run, name="http", daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            thread.join(0.01)
        try:
            yield path
        finally:
            server.should_exit = True
            thread.join()


class _Server(uvicorn.Server):
    """Streams that do not end in time are told so, and end, before uvicorn would cut them off."""

    def __init__(self, config: uvicorn.Config, calls: ModelCalls, *, grace: int) -> None:
        super().__init__(config)
        config.timeout_graceful_shutdown = grace + LAST_WORDS
        self._calls = calls
        self._grace = grace

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().call_later(self._grace, self._calls.close)
        await super().shutdown(sockets)


@contextmanager
def _running(data_dir: Path, anonymous: Anonymous) -> Iterator[FastAPI]:
    ingestion = IngestionSettings()
    backend = LocalBackend(data_dir)
    try:
        check_settings(backend)
        check_embedding_model(backend)
        worker = Worker(
            backend,
            threads=ingestion.workers,
            max_document_bytes=ingestion.max_document_bytes,
            max_streamed_bytes=ingestion.max_streamed_bytes,
        )
        worker.start()
        try:
            yield create_app(
                backend,
                ServerSettings(),
                max_document_bytes=ingestion.max_document_bytes,
                tokens=backend.tokens,
                anonymous=anonymous,
            )
        finally:
            worker.stop()
    finally:
        backend.close()


def check_settings(backend: LocalBackend) -> None:
    """Raises SettingInvalid where a part that the environment names cannot be built."""
    parts: dict[str, Callable[[], object]] = {
        "ACERVO_EMBEDDING": lambda: backend.embedder,
        "ACERVO_EMBEDDING_OTHERS": lambda: [build() for build in backend.other_embedders],
        "ACERVO_GENERATION": lambda: backend.generator,
        "ACERVO_RERANKING": lambda: backend.reranker,
        "ACERVO_GUARD": lambda: backend.guard,
        "ACERVO_OCR": lambda: backend.ocr,
        "ACERVO_JWT_ISSUER": lambda: backend.tokens,
    }
    for setting, build in parts.items():
        try:
            build()
        except SettingInvalid as error:
            raise SettingInvalid(f"{error.detail}. Correct or unset {setting}.") from error
    ParsingSettings()  # read by the processes that parse, when the first document comes


def check_embedding_model(backend: Backend) -> None:
    """Raises EmbeddingModelMismatch where a collection holds vectors of a model that is not configured."""
    for tenant in backend.store.tenants():
        for collection in every(backend.store.tenant(tenant).collections.list):
            try:
                embedder_of(collection.embedding, backend.embedder, backend.other_embedders)
            except EmbeddingModelMismatch as error:
                raise EmbeddingModelMismatch(
                    f"The collection {collection.name!r}: {error} Or use another data directory (--data-dir)."
                ) from error


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
