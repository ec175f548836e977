"""Drop to searchable: one small document through the ingestion function, and where the time goes.

A fake S3 and a fake Bedrock on loopback answer at once, so the figures are Acervo's own share: S3's
notification, the queue, Lambda's start and the model's answer come on top. The database is the embedded
one, with durable commits. `write` is the time spent waiting for the database, reads included; `parse` is
all the rest: parsing, chunking, analysing terms, and the drivers.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from math import inf
from pathlib import Path
from typing import Any, BinaryIO

import psycopg
from psycopg.rows import DictRow

from ingestion.handler import Handler
from rag.adapters.postgres.embedded import EmbeddedServer
from rag.adapters.postgres.store import PostgresStore
from rag.adapters.s3 import S3Source
from rag.domain.content import VectorStream
from rag.domain.documents import DocumentStatus, SourceDescription
from rag.ports import Embedder
from tests.doubles.bedrock_client import embedder_of
from tests.doubles.bedrock_server import bedrock_server
from tests.doubles.s3_server import BUCKET, S3Server, s3_server
from tests.doubles.write_backend import WriteBackend

TENANT = "default"
WARM_UP = 20
SENTENCE = (
    "Refund number {number} is paid within {days} days after the parcel came back to warehouse {place}. "
)
SENTENCES = 20

# Seconds spent in each step of the document in hand.
spent: defaultdict[str, float] = defaultdict(float)


@contextmanager
def _step(name: str) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        spent[name] += time.perf_counter() - started


class TimedConnection(psycopg.Connection[DictRow]):
    def wait(self, *arguments: Any, **options: Any) -> Any:
        with _step("write"):
            return super().wait(*arguments, **options)


class TimedSource(S3Source):
    def download(self, uri: str, file: BinaryIO) -> SourceDescription:
        with _step("fetch"):
            return super().download(uri, file)


class TimedEmbedder:
    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self.model = inner.model
        self.semantic_weight = inner.semantic_weight
        self.max_tokens = inner.max_tokens
        self.embed_documents = inner.embed_documents
        self.embed_query = inner.embed_query
        self.count_tokens = inner.count_tokens

    def embed_stream(self, texts: Iterable[str]) -> VectorStream:
        stream = self._inner.embed_stream(list(texts))
        while True:
            with _step("embed"):
                found = next(stream, None)
            if found is None:
                return
            yield found


def main() -> None:
    arguments = _arguments()
    report = measure(arguments.documents)
    print(json.dumps(report) if arguments.json else _table(report))


def measure(documents: int) -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory(prefix="acervo-bench-") as folder,
        EmbeddedServer(Path(folder)) as database,
        s3_server() as s3,
        bedrock_server() as bedrock,
        embedder_of(bedrock) as embedder,
        closing(PostgresStore(database.start(), connection_class=TimedConnection)) as store,
    ):
        source = TimedSource(BUCKET, default_tenant=TENANT, client=s3.client())
        backend = WriteBackend(store=store, source=source, embedder=TimedEmbedder(embedder))
        handler = Handler(backend, default_tenant=TENANT, max_document_bytes=1_000_000)
        runs = [_ingest(handler, s3, number) for number in range(WARM_UP + documents)][WARM_UP:]
        _check(store)
    return {"documents": documents, "total": _figures([run["total"] for run in runs])} | {
        name: _figures([run[name] for run in runs]) for name in ("fetch", "parse", "embed", "write")
    }


def _ingest(handler: Handler, s3: S3Server, number: int) -> dict[str, float]:
    text = "".join(
        SENTENCE.format(number=number * SENTENCES + each, days=number % 30, place=each)
        for each in range(SENTENCES)
    )
    dropped = s3.bucket.put(f"bench/{number}.txt", text.encode()).notification
    message = {"messageId": "0", "eventSource": "aws:sqs", "body": json.dumps(dropped)}
    spent.clear()
    with _step("total"):
        response = handler.handle({"Records": [message]}, lambda: inf)
    if response["batchItemFailures"]:
        raise RuntimeError(f"document {number} was handed back")
    own = spent["total"] - spent["fetch"] - spent["embed"] - spent["write"]
    return {**spent, "parse": own}


def _check(store: PostgresStore) -> None:
    """A benchmark of failures would be wrong without a word."""
    collection = store.tenant(TENANT).collections.get("bench")
    for document_id in store.tenant(TENANT).index.select(collection, None, limit=10_000):
        if (document := store.tenant(TENANT).documents.get(document_id)).status is not DocumentStatus.READY:
            raise RuntimeError(f"{document.key} is {document.status}: {document.failure}")


def _figures(seconds: Sequence[float]) -> dict[str, float]:
    quantiles = statistics.quantiles(seconds, n=100)
    return {"p50_ms": round(quantiles[49] * 1000, 2), "p99_ms": round(quantiles[98] * 1000, 2)}


def _table(report: dict[str, Any]) -> str:
    lines = [f"{report['documents']} documents", f"{'step':<8}{'p50 ms':>10}{'p99 ms':>10}"]
    for name, figures in report.items():
        if name != "documents":
            lines.append(f"{name:<8}{figures['p50_ms']:>10}{figures['p99_ms']:>10}")
    return "\n".join(lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.handler", description=__doc__)
    parser.add_argument("--documents", type=int, default=300)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
