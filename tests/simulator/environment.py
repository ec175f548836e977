"""What an invocation runs in: the real handler, store and source, with every call in reach of the faults."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from botocore.client import BaseClient
from botocore.exceptions import EndpointConnectionError

from ingestion.handler import Handler
from rag.adapters.postgres.connection import Connection
from rag.adapters.postgres.store import PostgresStore
from rag.adapters.s3 import S3Source
from tests.doubles.bedrock_server import BedrockServer
from tests.doubles.s3_server import BUCKET, S3Server
from tests.doubles.write_backend import WriteBackend
from tests.simulator.bucket_client import BucketClient
from tests.simulator.connection import connection_class
from tests.simulator.faults import Kind, Target, Worker
from tests.simulator.model import SimulatedEmbedder, Till
from tests.simulator.served_model import ServedEmbedder
from tests.simulator.world import DEFAULT_TENANT

MAX_DOCUMENT_BYTES = 20_000
_PATIENCE = 3.0

StoreFactory = Callable[..., PostgresStore]


class Environment:
    """One execution environment; it serves one invocation at a time and outlives those that die."""

    def __init__(
        self,
        conninfo: str,
        owner: Connection,
        bucket: S3Server,
        model: BedrockServer,
        make_store: StoreFactory,
    ) -> None:
        self._owner = owner
        self._worker: Worker | None = None
        self.till = Till()
        self._sources = {
            served: S3Source(BUCKET, default_tenant=DEFAULT_TENANT, client=client)
            for served, client in ((False, self._client(bucket)), (True, self._served_client(bucket)))
        }
        self._embedders: dict[bool, SimulatedEmbedder] = {
            False: SimulatedEmbedder(lambda: self._worker, self.till),
            True: ServedEmbedder(lambda: self._worker, self.till, model),
        }
        store = make_store(
            conninfo,
            migrates=False,
            patience=_PATIENCE,
            pause=lambda _: None,
            connection_class=connection_class(lambda: self._worker, self._wait_until_gone),
        )
        self.backend = WriteBackend(store=store, source=self._sources[False], embedder=self._embedders[False])

    def invoke(self, event: Mapping[str, Any], worker: Worker) -> dict[str, Any]:
        """The handler's answer; a new handler each time, as after a cold start."""
        handler = Handler(self.backend, default_tenant=DEFAULT_TENANT, max_document_bytes=MAX_DOCUMENT_BYTES)
        with self._serving(worker):
            return handler.handle(event, worker.remaining)

    def choose(self, *, served: bool) -> None:
        """Bucket and model behind servers, or in memory."""
        self.backend.source = self._sources[served]
        self.backend.embedder = self._embedders[served]

    def close(self) -> None:
        self.backend.close()
        for embedder in self._embedders.values():
            embedder.close()

    @contextmanager
    def _serving(self, worker: Worker) -> Iterator[None]:
        self._worker = worker
        try:
            yield
        finally:
            self._worker = None

    def _client(self, server: S3Server) -> BucketClient:
        return BucketClient(server.buckets, before=self._before_request, after=self._after_request)

    def _served_client(self, server: S3Server) -> BaseClient:
        client: BaseClient = server.client()
        client.meta.events.register("before-send.s3", lambda **_: self._before_request())
        client.meta.events.register("response-received.s3", lambda **_: self._after_request())
        return client

    def _before_request(self) -> None:
        if self._worker and self._worker.before(Target.SOURCE, interruptible=True) is Kind.SOURCE_ERROR:
            raise EndpointConnectionError(endpoint_url="https://s3.us-east-1.amazonaws.com")

    def _after_request(self) -> None:
        if self._worker:
            self._worker.after(Target.SOURCE)

    def _wait_until_gone(self, process: int) -> None:
        """The server rolls back what the connection left: what follows must not depend on how fast."""
        while self._owner.execute("SELECT FROM pg_stat_activity WHERE pid = %s", (process,)).fetchone():
            time.sleep(0.0002)


def open_owner(conninfo: str) -> Connection:
    """The superuser's connection: it sees every tenant, and sets the clock of leases forward."""
    return psycopg.connect(
        conninfo,
        autocommit=True,
        row_factory=psycopg.rows.dict_row,
        options="-c search_path=acervo,public",
    )
