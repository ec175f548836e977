"""The operator's commands: they reach database, source and queues themselves, not over HTTP."""

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

from app import aws_checks
from app.checks import Check
from app.keys import KeyAdministration
from app.stream_redrive import Ingest, StreamRedrive
from ingestion.handler import Handler
from ingestion.pipeline import Pipeline
from ingestion.reconcile import Drift, differences, repair
from ingestion.reembedding import ReembeddingAdministration
from ingestion.upkeep import keep_up
from ingestion.worker import work_once
from rag.adapters.folder import DEFAULT_TENANT
from rag.backends.local import LocalBackend
from rag.domain.buckets import validate_tenant
from rag.domain.documents import Document, DocumentStatus
from rag.domain.records import partition_key, place_of
from rag.errors import NotFound, SettingInvalid
from rag.ports import Backend, IndexStore
from rag.settings import (
    EmbeddingSettings,
    GenerationSettings,
    IngestionSettings,
    RerankingSettings,
    SourceSettings,
)
from rag.telemetry import logger

__all__ = [
    "Drift",
    "KeyAdministration",
    "Reconciliation",
    "ReembeddingAdministration",
    "account_checks",
    "index_administration",
    "key_administration",
    "put_record",
    "put_record_locally",
    "reconciliation",
    "redrive",
    "redrive_stream",
    "reembedding_administration",
]

# boto3 is imported where it is needed only: local mode runs without it.

# What the stack deploys where the environment names no models of Bedrock (infra/settings.py).
_DEPLOYED_MODELS = ("bedrock:amazon.titan-embed-text-v2:0", "bedrock:us.anthropic.claude-haiku-5-5")


# How long a record put beside a running server is waited for, seconds.
_PATIENCE = 60.0
_UNSETTLED = (DocumentStatus.PENDING, DocumentStatus.PROCESSING)


class Reconciliation:
    """The source against the ledger: look first, then repair."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def differences(self, progress: Callable[[int], None]) -> Iterator[Drift]:
        return differences(store=self._backend.store, source=self._backend.source, progress=progress)

    def repair(self, drift: Drift) -> bool:
        backend = self._backend
        return repair(drift, store=backend.store, source=backend.source, embedder=backend.embedder)

    def work_off(self) -> Iterator[None]:
        """Yields after every document that was waiting."""
        limits = IngestionSettings()
        pipeline = Pipeline(
            source=self._backend.source,
            embedder=self._backend.embedder,
            other_embedders=self._backend.other_embedders,
            max_document_bytes=limits.max_document_bytes,
            max_streamed_bytes=limits.max_streamed_bytes,
            ocr=self._backend.ocr,
        )
        worked = set()
        while tenant := work_once(self._backend, pipeline):
            worked.add(tenant)
            yield
        keep_up(self._backend.store, worked)


@contextmanager
def reconciliation(data_dir: Path, bucket: str | None) -> Iterator[Reconciliation]:
    """Of the bucket and DATABASE_URL, or of the data directory."""
    settings = SourceSettings(bucket=bucket) if bucket else SourceSettings()
    with closing(_aws_backend(settings) if settings.bucket else LocalBackend(data_dir)) as backend:
        yield Reconciliation(backend)


@contextmanager
def _administered(data_dir: Path) -> Iterator[tuple[Backend, str]]:
    """With the default tenant: of DATABASE_URL where ACERVO_BUCKET is set, or of the data directory."""
    settings = SourceSettings()
    tenant = settings.default_tenant if settings.bucket else DEFAULT_TENANT
    with closing(_aws_backend(settings) if settings.bucket else LocalBackend(data_dir)) as backend:
        yield backend, tenant


@contextmanager
def key_administration(data_dir: Path) -> Iterator[KeyAdministration]:
    with _administered(data_dir) as (backend, tenant):
        yield KeyAdministration(store=backend.store, default_tenant=tenant)


@contextmanager
def index_administration(data_dir: Path, tenant: str | None) -> Iterator[IndexStore]:
    with _administered(data_dir) as (backend, default):
        yield backend.store.tenant(validate_tenant(tenant or default)).indexes


@contextmanager
def reembedding_administration(data_dir: Path, tenant: str | None) -> Iterator[ReembeddingAdministration]:
    with _administered(data_dir) as (backend, default):
        yield ReembeddingAdministration(
            backend=backend,
            tenant=validate_tenant(tenant or default),
            max_document_bytes=IngestionSettings().max_document_bytes,
        )


def account_checks(instance: str | None) -> Iterator[Check]:
    """Of the AWS account of these credentials, and of the configured models."""
    with _needs_boto3():
        from rag.adapters.aws_account import AwsAccount  # noqa: PLC0415 - see above

        generation, embedding = GenerationSettings(), EmbeddingSettings()
        configured = aws_checks.bedrock_models(
            embedding.embedding,
            *embedding.embedding_others.split(),
            generation.generation,
            generation.generation_fallback,
            RerankingSettings().reranking,
        )
        models = configured or aws_checks.bedrock_models(*_DEPLOYED_MODELS)
        yield from aws_checks.checks(AwsAccount(), models, instance=instance)


def put_record(stream: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """Puts the record into the stream of this AWS account."""
    with _needs_boto3():
        from rag.adapters import kinesis  # noqa: PLC0415 - see above

        sequence = kinesis.put_record(stream, record, default_tenant=SourceSettings().default_tenant)
    return {"status": "sent", "sequence_number": sequence}


def redrive(queue_url: str, dead_letter_url: str, *, progress: Callable[[int], None]) -> int:
    """Moves every message of the dead-letter queue back; returns how many."""
    with _needs_boto3():
        from rag.adapters import sqs  # noqa: PLC0415 - see above

        return sqs.redrive(queue_url, dead_letter_url, progress=progress)


def redrive_stream(
    failures_url: str, *, function: str | None, progress: Callable[[int], None]
) -> StreamRedrive:
    """Gives the records that Lambda gave up to the function, or takes them in here, over DATABASE_URL."""
    with _needs_boto3():
        from rag.adapters import kinesis_batches, sqs  # noqa: PLC0415 - see above

        def read(body: str) -> tuple[list[dict[str, Any]], bool]:
            records, complete = kinesis_batches.read(kinesis_batches.FailedBatch.parse(body))
            return [*kinesis_batches.events(records)], complete

        with _ingesting(function) as ingest:
            redriven = StreamRedrive(read=read, ingest=ingest, progress=progress)
            sqs.settle(failures_url, redriven)
    return redriven


@contextmanager
def _ingesting(function: str | None) -> Iterator[Ingest]:
    if function is not None:
        from rag.adapters import lambda_function  # noqa: PLC0415 - see above

        yield partial(lambda_function.invoke, function)
        return
    settings = SourceSettings()
    with closing(_aws_backend(settings)) as backend:
        handler = _handler(backend, settings.default_tenant)
        yield partial(handler.handle, remaining=lambda: inf)


def _handler(backend: Backend, default_tenant: str) -> Handler:
    limits = IngestionSettings()
    return Handler(
        backend,
        default_tenant=default_tenant,
        max_document_bytes=limits.max_document_bytes,
        max_streamed_bytes=limits.max_streamed_bytes,
    )


def put_record_locally(data_dir: Path, record: Mapping[str, Any]) -> dict[str, Any]:
    """Takes the record in as the ingestion function would, and tells what stands behind its key."""
    raw = json.dumps(record, ensure_ascii=False).encode()
    place = place_of(raw, default_tenant=DEFAULT_TENANT)
    with closing(LocalBackend(data_dir)) as backend:
        handler = _handler(backend, DEFAULT_TENANT)
        event = _kinesis_event(raw, partition_key(place.place, default_tenant=DEFAULT_TENANT))
        handler.handle(event, lambda: inf)
        with suppress(NotFound):
            found = _settled(
                partial(backend.store.tenant(place.tenant).documents.find, place.collection, place.key)
            )
            failure = asdict(found.failure) if found.failure else None
            return {"status": str(found.status), "id": found.id, "failure": failure}
    return {"status": "deleted"}


def _settled(find: Callable[[], Document]) -> Document:
    """The document once it is ready or failed: a server beside this command may be at work on it."""
    deadline = time.monotonic() + _PATIENCE
    while (found := find()).status in _UNSETTLED and time.monotonic() < deadline:
        time.sleep(0.2)
    if found.status in _UNSETTLED:
        logger.warning("The record is not finished; the next server on this data directory goes on.")
    return found


def _aws_backend(settings: SourceSettings) -> Backend:
    with _needs_boto3():
        from rag.backends.aws import AwsBackend  # noqa: PLC0415 - see above

        return AwsBackend(source=settings)


@contextmanager
def _needs_boto3() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in {"boto3", "botocore"}:
            raise
        raise SettingInvalid("AWS needs boto3: install acervo with the extra `aws`.") from error


def _kinesis_event(raw: bytes, key: str) -> dict[str, Any]:
    """As Lambda gets it; the clock stands in for the shard's numbering."""
    sequence = str(time.time_ns())
    record = {
        "partitionKey": key,
        "sequenceNumber": sequence,
        "data": base64.b64encode(raw).decode(),
        "kinesisSchemaVersion": "1.0",
    }
    shard = "shardId-000000000000"
    return {"Records": [{"eventSource": "aws:kinesis", "eventID": f"{shard}:{sequence}", "kinesis": record}]}
