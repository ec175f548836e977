"""Original bytes behind a bucket: a redirect to an address that is its own credential, for a short time."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from math import inf
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest

from ingestion.handler import Handler
from rag.adapters.postgres.store import PostgresStore
from rag.adapters.s3 import S3Source
from rag.domain.documents import SourceEvent, SourceKind
from tests.app.api.serving import MAX_DOCUMENT_BYTES, problem_in
from tests.doubles.counting_embedder import CountingEmbedder
from tests.doubles.s3_server import BUCKET, S3Server, s3_server
from tests.doubles.write_backend import WriteBackend
from tests.security.closed import Closed, closed_api

NAME = 'preço "final".txt'
BODY = "Três cadeiras.\n".encode()


@dataclass(frozen=True, kw_only=True)
class Deployment:
    api: Closed
    server: S3Server
    handler: Handler
    key: str

    def drop(self, name: str, body: bytes) -> None:
        dropped = self.server.bucket.put(f"@acme/prices/{name}", body).notification
        assert self.handler.handle(dropped, lambda: inf) == {"batchItemFailures": []}

    def content(self, name: str) -> httpx.Response:
        documents = self.api.backend.store.tenant("acme").documents
        path = f"/v1/documents/{documents.find('prices', name).id}/content"
        return self.api.request("GET", path, self.key)


@pytest.fixture
def deployment(store: PostgresStore) -> Iterator[Deployment]:
    with s3_server() as server, closing(server.client()) as client:
        source = S3Source(BUCKET, default_tenant="default", client=client)
        backend = WriteBackend(store=store, source=source, embedder=CountingEmbedder())
        handler = Handler(backend, default_tenant="default", max_document_bytes=MAX_DOCUMENT_BYTES)
        with closed_api(backend) as api:
            key = api.key("acme")
            api.request("POST", "/v1/collections", key, json={"name": "prices"}).raise_for_status()
            yield Deployment(api=api, server=server, handler=handler, key=key)


def test_the_bytes_are_behind_a_redirect(deployment: Deployment) -> None:
    deployment.drop(NAME, BODY)
    answer = deployment.content(NAME)
    assert (answer.status_code, answer.content) == (307, b"")
    assert answer.headers["cache-control"] == "private, no-store"
    fetched = httpx.get(answer.headers["location"])
    assert (fetched.status_code, fetched.content) == (200, BODY)
    assert fetched.headers["content-type"] == "text/plain"
    assert fetched.headers["content-disposition"] == (
        f"attachment; filename=\"pre_o _final_.txt\"; filename*=UTF-8''{quote(NAME, safe='')}"
    )


def test_the_address_holds_for_five_minutes_and_this_object(deployment: Deployment) -> None:
    deployment.drop(NAME, BODY)
    deployment.drop("other.txt", b"Secret.")
    location = deployment.content(NAME).headers["location"]
    query = parse_qs(urlsplit(location).query)
    assert query["X-Amz-Expires"] == ["300"]
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    shown = location.replace("attachment", "inline").replace("X-Amz-Expires=300", "X-Amz-Expires=3000")
    longer = location.replace("X-Amz-Expires=300", "X-Amz-Expires=3000")
    elsewhere = location.replace(quote(NAME), "other.txt")
    assert len({location, shown, longer, elsewhere}) == 4
    assert [httpx.get(address).status_code for address in (shown, longer, elsewhere)] == [403] * 3
    assert httpx.put(location, content=b"x").status_code == 403


def test_an_object_that_is_gone_is_not_found_here(deployment: Deployment) -> None:
    deployment.drop(NAME, BODY)
    deployment.server.bucket.delete(f"@acme/prices/{NAME}")
    problem_in(deployment.content(NAME), 404, "source_object_not_found")


def test_another_tenant_is_sent_nowhere(deployment: Deployment) -> None:
    deployment.drop(NAME, BODY)
    documents = deployment.api.backend.store.tenant("acme").documents
    path = f"/v1/documents/{documents.find('prices', NAME).id}/content"
    answer = deployment.api.request("GET", path, deployment.api.key("umbrella"))
    problem_in(answer, 404, "document_not_found")
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("said", "status"), [({"text": "Streamed."}, 200), ({"s3_uri": f"s3://{BUCKET}/.staging/a.txt"}, 307)]
)
def test_a_record_is_sent_from_here_unless_it_names_an_object(
    deployment: Deployment, said: dict[str, Any], status: int
) -> None:
    deployment.server.bucket.put(".staging/a.txt", b"Streamed.")
    stream(deployment, {"op": "upsert", "collection": "prices", "key": "a.txt", **said})
    answer = deployment.content("a.txt")
    assert answer.status_code == status
    fetched = httpx.get(answer.headers["location"]) if status == 307 else answer
    assert fetched.content == b"Streamed."
    assert fetched.headers["content-disposition"].startswith("attachment; ")


def stream(deployment: Deployment, record: dict[str, Any]) -> None:
    """Takes the record in and works it off."""
    backend = deployment.api.backend
    tenant = backend.store.tenant("acme")
    event = SourceEvent(
        tenant="acme",
        collection="prices",
        key=record["key"],
        operation="upsert",
        kind=SourceKind.KINESIS,
        uri="kinesis:shardId-000000000000/1",
        order="1",
        etag="1",
        record=json.dumps(record).encode(),
    )
    tenant.ledger.accept(event, tenant.collections.get("prices"))
    backend.source.request_work("acme")
    asked = deployment.server.changes[-1].notification
    assert deployment.handler.handle(asked, lambda: inf) == {"batchItemFailures": []}
