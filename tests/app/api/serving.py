"""The API over loopback, with the write path driven by hand, and generators that follow a script."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import uvicorn
from starlette.types import ASGIApp

from app.api.main import create_app
from app.auth import Anonymous
from ingestion.worker import Worker
from rag.domain.answers import Completed, GenerationEvent, GenerativeModel, Prompt, TextDelta, Usage
from rag.ports import Backend, BuildEmbedder, Embedder, Generator, Ocr, PassageGuard, Reranker, Source, Store
from rag.settings import ServerSettings

ORIGIN = "https://app.example"
MAX_DOCUMENT_BYTES = 2_000_000


@dataclass(frozen=True, kw_only=True)
class Api:
    client: httpx.Client
    backend: Backend
    worker: Worker

    def collection(self) -> str:
        name = f"test-{uuid4().hex}"
        self.client.post("/v1/collections", json={"name": name}).raise_for_status()
        return name

    def document(self, collection: str, **body: Any) -> dict[str, Any]:
        """Written and processed."""
        created = self.client.post(f"/v1/collections/{collection}/documents", json=body)
        created.raise_for_status()
        self.work()
        document: dict[str, Any] = self.client.get(created.headers["location"]).json()
        return document

    def work(self) -> None:
        while self.worker.work_once():
            pass


@contextmanager
def serving(app: ASGIApp) -> Iterator[httpx.Client]:
    config = uvicorn.Config(app, port=0, log_level="warning", lifespan="off", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def serving_backend(backend: Backend) -> Iterator[httpx.Client]:
    settings = ServerSettings(cors_origins=(ORIGIN,))
    app = create_app(backend, settings, max_document_bytes=MAX_DOCUMENT_BYTES, anonymous=Anonymous.LOCAL)
    with serving(app) as client:
        yield client


@dataclass(frozen=True, kw_only=True)
class Overlaid:
    """A backend of which one adapter is replaced."""

    base: Backend
    generator: Generator
    reranker: Reranker | None = None
    guard: PassageGuard | None = None
    ocr: Ocr | None = None

    @property
    def store(self) -> Store:
        return self.base.store

    @property
    def source(self) -> Source:
        return self.base.source

    @property
    def embedder(self) -> Embedder:
        return self.base.embedder

    @property
    def other_embedders(self) -> Sequence[BuildEmbedder]:
        return self.base.other_embedders

    def close(self) -> None:
        self.base.close()


@dataclass(frozen=True, kw_only=True)
class ScriptedGenerator:
    """Says the words of its script; where it has an error, raises it after them."""

    words: tuple[str, ...] = ("Hello", " world")
    error: Exception | None = None
    model: GenerativeModel = field(default=GenerativeModel(id="scripted", generative=True))

    def generate(self, prompt: Prompt) -> Iterator[GenerationEvent]:
        del prompt
        for word in self.words:
            yield TextDelta(text=word)
        if self.error is not None:
            raise self.error
        yield Completed(usage=Usage(input_tokens=3, output_tokens=2))


def problem_in(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The body, once it is clear that it is the problem expected."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert {"type", "title", "status", "detail", "code", "request_id"} <= body.keys()
    assert body["status"] == status
    assert body["code"] == code
    assert body["request_id"] == response.headers["x-request-id"]
    return body


def pointers(problem: dict[str, Any]) -> list[str]:
    return [error["pointer"] for error in problem.get("errors", [])]


def events_in(text: str) -> list[str]:
    return [line.removeprefix("event: ") for line in text.splitlines() if line.startswith("event: ")]
