"""A throw-away local backend, and datasets ingested through the real write path."""

import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from threading import Thread
from urllib.parse import quote, unquote

from bench.datasets import Dataset, DatasetDocument
from ingestion.pipeline import Pipeline
from ingestion.worker import work_once
from rag.backends.local import LocalBackend
from rag.domain.documents import Attributes, Chunking, DocumentStatus, NewCollection
from rag.domain.pages import PageRequest
from rag.ports import Backend

TENANT = "local"
SUFFIX = ".txt"
MAX_DOCUMENT_BYTES = 50_000_000
THREADS = 2
_CHUNKING = Chunking()


@contextmanager
def temporary_backend() -> Iterator[LocalBackend]:
    """Local mode as it is configured, with an empty database that goes when the benchmark ends."""
    with tempfile.TemporaryDirectory(prefix="acervo-bench-") as folder:
        backend = LocalBackend(Path(folder) / "data")
        try:
            yield backend
        finally:
            backend.close()


def ingest(backend: Backend, dataset: Dataset, chunking: Chunking = _CHUNKING) -> str:
    """Stores the dataset in a collection of its own and returns the collection's name."""
    name = re.sub(r"[^a-z0-9_-]+", "-", dataset.name.lower())
    return ingest_objects(backend, name, map(_object, dataset.documents), chunking)


def _object(document: DatasetDocument) -> tuple[str, bytes, Attributes]:
    """Some sets hold documents that are a title alone."""
    body = document.text if document.text.strip() else document.title or ""
    return document_key(document.id), body.encode(), Attributes(title=document.title, media_type="text/plain")


def ingest_objects(
    backend: Backend,
    name: str,
    objects: Iterable[tuple[str, bytes, Attributes]],
    chunking: Chunking = _CHUNKING,
) -> str:
    tenant = backend.store.tenant(TENANT)
    collection = tenant.collections.ensure(
        NewCollection(name=name, embedding=backend.embedder.model, chunking=chunking)
    )
    for key, body, attributes in objects:
        event = backend.source.put(TENANT, name, key, BytesIO(body), attributes)
        tenant.ledger.accept(event, collection)
    _process_everything(backend)
    _check_ready(backend, name)
    return name


def document_key(identifier: str) -> str:
    """Ids may be anything, URLs for example; a key is a path."""
    return quote(identifier, safe="") + SUFFIX


def document_id(key: str) -> str:
    """The dataset's id of an ingested document."""
    return unquote(key.removesuffix(SUFFIX))


def _process_everything(backend: Backend) -> None:
    pipeline = Pipeline(
        source=backend.source, embedder=backend.embedder, max_document_bytes=MAX_DOCUMENT_BYTES
    )
    threads = [Thread(target=_work, args=(backend, pipeline)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _work(backend: Backend, pipeline: Pipeline) -> None:
    while work_once(backend, pipeline):
        pass


def _check_ready(backend: Backend, collection: str) -> None:
    """A benchmark over half a collection would be wrong without a word."""
    documents = backend.store.tenant(TENANT).documents
    for status in set(DocumentStatus) - {DocumentStatus.READY}:
        page = documents.list(collection, PageRequest(limit=1), status=status)
        for document in page.items:
            raise RuntimeError(f"{document.key} of {collection} is {status}: {document.failure}")
