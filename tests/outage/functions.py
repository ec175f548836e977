"""Ingestion functions that work a queue off, and the API under questions, both as on AWS."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import httpx

from app.api.main import create_app
from ingestion.handler import Handler
from rag.adapters.postgres.connection import PoolSettings
from rag.adapters.postgres.store import PostgresStore
from rag.adapters.s3 import S3Source
from rag.settings import ServerSettings
from tests.app.api.serving import serving
from tests.doubles.counting_embedder import CountingEmbedder
from tests.doubles.s3_server import BUCKET, S3Server
from tests.doubles.write_backend import WriteBackend
from tests.simulator.queues import Message, Queue, batch_event, failures

TENANT: Final = "default"
_MAX_BYTES: Final = 100_000
_FUNCTION_SECONDS: Final = 300.0
_ASKED: Final = (
    ("GET", "/v1/collections", None),
    ("POST", "/v1/search", {"query": "which version speaks of the subject", "mode": "keyword"}),
    ("GET", "/readyz", None),
)


@dataclass(frozen=True, kw_only=True)
class Patience:
    """`answer_seconds` and `patience` are those of the store.

    `speed`: how much faster than ours time passes for the queue, and after an outage for leases.
    """

    answer_seconds: float
    patience: float
    speed: float = 1


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    seconds: float
    problem: bool
    retry_after: str | None


@dataclass(kw_only=True)
class SharedQueue:
    """The simulator's queue for several threads."""

    speed: float
    queue: Queue = field(default_factory=Queue)
    _random: Random = field(default_factory=lambda: Random(5))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, body: str) -> None:
        with self._lock:
            self.queue.send(body, visible_at=0)

    def receive(self) -> list[Message]:
        with self._lock:
            return self.queue.receive(self._now(), self._random)

    def settle(self, batch: list[Message], response: dict[str, Any]) -> None:
        with self._lock:
            self.queue.settle(batch, failures(response), now=self._now(), random=self._random)

    def waiting(self) -> int:
        with self._lock:
            return len(self.queue.messages)

    def _now(self) -> float:
        return time.monotonic() * self.speed


def open_backend(conninfo: str, server: S3Server, patience: Patience) -> WriteBackend:
    """As rag/backends/aws.py opens its store."""
    store = PostgresStore(
        conninfo,
        migrates=False,
        pool=PoolSettings(max_size=2, checked=True, answer_seconds=patience.answer_seconds),
        patience=patience.patience,
    )
    source = S3Source(BUCKET, default_tenant=TENANT, client=server.client())
    return WriteBackend(store=store, source=source, embedder=CountingEmbedder())


@contextmanager
def ingesting(backends: list[WriteBackend], queue: SharedQueue) -> Iterator[None]:
    """One function for each backend."""
    with _threads([_worker(backend, queue) for backend in backends]):
        yield


@contextmanager
def asking(backend: WriteBackend, key: str, *, clients: int = 2) -> Iterator[list[Answer]]:
    """What the API answers meanwhile."""
    app = create_app(backend, ServerSettings(), max_document_bytes=_MAX_BYTES)
    answers: list[Answer] = []
    with serving(app) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        client.timeout = httpx.Timeout(120)
        with _threads([_asker(client, answers) for _ in range(clients)]):
            yield answers


def _worker(backend: WriteBackend, queue: SharedQueue) -> Callable[[threading.Event], None]:
    def work(stopping: threading.Event) -> None:
        with closing(Handler(backend, default_tenant=TENANT, max_document_bytes=_MAX_BYTES)) as handler:
            while not stopping.is_set():
                if batch := queue.receive():
                    ends = time.monotonic() + _FUNCTION_SECONDS
                    queue.settle(batch, handler.handle(batch_event(batch), _remaining(ends)))
                else:
                    time.sleep(0.02)

    return work


def _remaining(ends: float) -> Callable[[], float]:
    return lambda: ends - time.monotonic()


def _asker(client: httpx.Client, answers: list[Answer]) -> Callable[[threading.Event], None]:
    def ask(stopping: threading.Event) -> None:
        while not stopping.is_set():
            for method, path, body in _ASKED:
                started = time.monotonic()
                response = client.request(method, path, json=body)
                answers.append(
                    Answer(
                        status=response.status_code,
                        seconds=time.monotonic() - started,
                        problem=response.headers["content-type"] == "application/problem+json",
                        retry_after=response.headers.get("retry-after"),
                    )
                )
            stopping.wait(0.25)

    return ask


@contextmanager
def _threads(targets: list[Callable[[threading.Event], None]]) -> Iterator[None]:
    stopping = threading.Event()
    threads = [threading.Thread(target=target, args=(stopping,)) for target in targets]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
