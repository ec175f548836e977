"""Uploads: what was granted, once it is exactly that; nothing else, nowhere else, no later."""

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any

import httpx
import pytest

from ingestion.handler import Handler
from rag.adapters.postgres.store import PostgresStore
from rag.adapters.s3 import S3Source
from rag.adapters.upload_grants import UploadGrants
from rag.backends.local import LocalBackend
from rag.domain.documents import SourceEvent, SourceKind
from rag.domain.uploads import UPLOAD_LIFETIME, Upload
from rag.errors import UploadNotFound
from tests.app.api.serving import MAX_DOCUMENT_BYTES, problem_in
from tests.doubles.counting_embedder import CountingEmbedder
from tests.doubles.s3_server import BUCKET, S3Server, s3_server
from tests.doubles.write_backend import WriteBackend
from tests.security.closed import Closed, closed_api, work

BODY = b"Refunds are paid within thirty days of purchase.\n"
ANNOUNCED = {"key": "policies/refunds.txt", "media_type": "text/plain", "size": len(BODY)}
HEADERS = {"Content-Type": "text/plain"}
NOTHING: Mapping[str, str] = {}


def collection(api: Closed, key: str, name: str = "uploads") -> str:
    api.request("POST", "/v1/collections", key, json={"name": name}).raise_for_status()
    return f"/v1/collections/{name}/uploads"


def granted(api: Closed, key: str, path: str, **changes: Any) -> dict[str, Any]:
    response = api.request("POST", path, key, json=ANNOUNCED | changes)
    assert response.status_code == 201, response.text
    grant: dict[str, Any] = response.json()
    return grant


# Locally


@pytest.fixture
def local(backend: LocalBackend) -> Iterator[Closed]:
    with closed_api(backend) as api:
        yield api


def test_a_signed_put_becomes_a_document(local: Closed) -> None:
    key = local.key("acme")
    grant = granted(local, key, collection(local, key))
    assert (grant["method"], grant["headers"]) == ("PUT", HEADERS)
    response = local.client.put(grant["url"], content=BODY, headers=grant["headers"])
    assert response.status_code == 202, response.text
    work(local.backend)
    document = local.request("GET", response.headers["location"], key).json()
    assert (document["key"], document["status"], document["media_type"], document["size"]) == (
        ANNOUNCED["key"],
        "ready",
        "text/plain",
        len(BODY),
    )
    assert local.request("GET", response.headers["location"], local.key("other")).status_code == 404


def test_title_and_metadata_stay(local: Closed) -> None:
    key = local.key("acme")
    path = collection(local, key)
    first = {"key": ANNOUNCED["key"], "text": "Old.", "title": "Refunds", "metadata": {"year": 2026}}
    local.request("POST", "/v1/collections/uploads/documents", key, json=first).raise_for_status()
    work(local.backend)
    response = local.client.put(granted(local, key, path)["url"], content=BODY, headers=HEADERS)
    work(local.backend)
    document = local.request("GET", response.headers["location"], key).json()
    assert (document["version"], document["title"], document["metadata"]) == (2, "Refunds", {"year": 2026})


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (BODY[:-1], HEADERS, 422, "invalid_request"),
        (b"", HEADERS, 422, "invalid_request"),
        (BODY + b"!", HEADERS, 413, "too_large"),
        (b"a" * MAX_DOCUMENT_BYTES, HEADERS, 413, "too_large"),
        (b"a" * (MAX_DOCUMENT_BYTES + 1), HEADERS, 413, "body_too_large"),
        (BODY, {"Content-Type": "text/html"}, 415, "unsupported_media_type"),
        (BODY, {}, 415, "unsupported_media_type"),
    ],
)
def test_only_what_was_announced(
    local: Closed, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    key = local.key("acme")
    grant = granted(local, key, collection(local, key))
    problem_in(local.client.put(grant["url"], content=content, headers=headers), status, code)
    assert local.request("GET", "/v1/collections/uploads/documents", key).json()["data"] == []


def test_more_than_announced_without_a_length(local: Closed) -> None:
    key = local.key("acme")
    grant = granted(local, key, collection(local, key))
    pieces = (b"a" * 10_000 for _ in range(50))
    problem_in(local.client.put(grant["url"], content=pieces, headers=HEADERS), 413, "too_large")


def test_a_grant_cannot_be_altered(local: Closed) -> None:
    key = local.key("acme")
    grant = granted(local, key, collection(local, key))
    base, _, token = grant["url"].rpartition("/")
    for forged in (token[:-1], token[1:], token + "A", token.swapcase(), "A" * len(token)):
        response = local.client.put(f"{base}/{forged}", content=BODY, headers=HEADERS)
        problem_in(response, 404, "upload_not_found")
    for token in ("x", "ção", "a" * 5000, "%00"):
        response = local.client.put(f"{base}/{token}", content=BODY, headers=HEADERS)
        assert response.status_code in {404, 422}


def test_a_grant_is_of_one_use(local: Closed) -> None:
    key = local.key("acme")
    url = granted(local, key, collection(local, key))["url"]
    assert local.client.put(url, content=BODY[:-1], headers=HEADERS).status_code == 422
    assert local.client.put(url, content=BODY, headers=HEADERS).status_code == 202
    problem_in(local.client.put(url, content=BODY, headers=HEADERS), 404, "upload_not_found")


def test_a_grant_ends_with_the_key_that_asked_for_it(local: Closed) -> None:
    key = local.key("acme")
    url = granted(local, key, collection(local, key))["url"]
    (made,) = local.backend.store.credentials.list("acme")
    local.backend.store.credentials.revoke("acme", made.id)
    problem_in(local.client.put(url, content=BODY, headers=HEADERS), 404, "upload_not_found")


def test_the_oldest_grants_make_room() -> None:
    grants = UploadGrants(most=2)
    upload = Upload(tenant="a", collection="b", key="c", media_type="text/plain", size=1)
    first, *others = (grants.grant(upload).url.rpartition("/")[2] for _ in range(3))
    with pytest.raises(UploadNotFound):
        grants.granted(first)
    assert [grants.granted(token) for token in others] == [upload, upload]


def test_a_grant_ends() -> None:
    now = [1_800_000_000.0]
    signer = UploadGrants(clock=lambda: now[0])
    upload = Upload(tenant="a", collection="b", key="ç/d", media_type="text/plain", size=1)
    token = signer.grant(upload).url.rpartition("/")[2]
    assert signer.granted(token) == upload
    with pytest.raises(UploadNotFound):
        UploadGrants(clock=lambda: now[0]).granted(token)
    now[0] += UPLOAD_LIFETIME.total_seconds()
    with pytest.raises(UploadNotFound):
        signer.granted(token)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"key": "../acme/x.txt"}, 422),
        ({"key": "/etc/passwd"}, 422),
        ({"key": "a/.hidden"}, 422),
        ({"key": "a.metadata.json"}, 422),
        ({"media_type": "text/html\r\nX: y"}, 422),
        ({"size": 0}, 422),
        ({"size": -1}, 422),
        ({"size": MAX_DOCUMENT_BYTES + 1}, 413),
        ({"tenant": "victim"}, 422),
    ],
)
def test_what_is_not_granted(local: Closed, changes: dict[str, Any], status: int) -> None:
    key = local.key("acme")
    response = local.request("POST", collection(local, key), key, json=ANNOUNCED | changes)
    assert response.status_code == status, response.text


# On AWS


@dataclass(frozen=True, kw_only=True)
class Deployment:
    api: Closed
    server: S3Server
    handler: Handler

    def send(
        self, grant: Mapping[str, Any], content: bytes = BODY, fields: Mapping[str, str] = NOTHING
    ) -> httpx.Response:
        """As a browser would."""
        return httpx.post(
            grant["url"], data={**grant["fields"], **fields}, files={"file": ("any-name", content)}
        )

    def deliver(self) -> None:
        """What S3 told of every change goes through the queue to the ingestion function."""
        records = [
            {"messageId": str(number), "eventSource": "aws:sqs", "body": json.dumps(change.notification)}
            for number, change in enumerate(self.server.changes)
        ]
        assert self.handler.handle({"Records": records}, partial(float, inf)) == {"batchItemFailures": []}


@pytest.fixture
def deployment(store: PostgresStore) -> Iterator[Deployment]:
    with s3_server() as server, closing(server.client()) as client:
        source = S3Source(BUCKET, default_tenant="default", client=client)
        backend = WriteBackend(store=store, source=source, embedder=CountingEmbedder())
        handler = Handler(backend, default_tenant="default", max_document_bytes=MAX_DOCUMENT_BYTES)
        with closed_api(backend) as api:
            yield Deployment(api=api, server=server, handler=handler)


def test_a_presigned_post_becomes_a_document(deployment: Deployment) -> None:
    key = deployment.api.key("acme")
    grant = granted(deployment.api, key, collection(deployment.api, key))
    assert grant["method"] == "POST"
    assert deployment.send(grant).status_code == 204
    deployment.deliver()
    listed = deployment.api.request("GET", "/v1/collections/uploads/documents", key).json()["data"]
    assert [(each["key"], each["status"], each["media_type"], each["source"]["kind"]) for each in listed] == [
        (ANNOUNCED["key"], "ready", "text/plain", "s3")
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"key": "@victim/uploads/policies/refunds.txt"},
        {"key": "uploads/policies/refunds.txt"},
        {"key": "@acme/uploads/policies/refunds.txt/../../x"},
        {"key": "@acme/uploads/policies/refunds.txt.metadata.json"},
        {"key": "@acme/other/policies/refunds.txt"},
        {"Content-Type": "text/html"},
        {"acl": "public-read"},
        {"x-amz-meta-title": "Another"},
        {"success_action_redirect": "https://evil.example"},
        {"x-amz-signature": "0" * 64},
        {"policy": base64.b64encode(b'{"expiration": "2999-01-01T00:00:00Z", "conditions": []}').decode()},
        {"x-amz-credential": "test/20990101/us-east-1/s3/aws4_request"},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_s3_refuses_what_was_not_granted(deployment: Deployment, fields: dict[str, str]) -> None:
    key = deployment.api.key("acme")
    grant = granted(deployment.api, key, collection(deployment.api, key))
    assert deployment.send(grant, fields=fields).status_code == 403
    assert deployment.server.changes == []


@pytest.mark.parametrize("content", [BODY[:-1], BODY + b"!", b""])
def test_s3_refuses_another_size(deployment: Deployment, content: bytes) -> None:
    key = deployment.api.key("acme")
    grant = granted(deployment.api, key, collection(deployment.api, key))
    assert deployment.send(grant, content).status_code == 400
    assert deployment.server.changes == []


def test_every_condition_is_in_the_policy(deployment: Deployment) -> None:
    key = deployment.api.key("acme")
    grant = granted(deployment.api, key, collection(deployment.api, key))
    policy = json.loads(base64.b64decode(grant["fields"]["policy"]))
    assert ["content-length-range", len(BODY), len(BODY)] in policy["conditions"]
    assert {"key": f"@acme/uploads/{ANNOUNCED['key']}"} in policy["conditions"]
    assert {"Content-Type": "text/plain"} in policy["conditions"]
    assert {"bucket": BUCKET} in policy["conditions"]


def test_s3_would_put_a_file_name_into_such_a_key(deployment: Deployment) -> None:
    key = deployment.api.key("acme")
    body = ANNOUNCED | {"key": "a/${filename}"}
    response = deployment.api.request("POST", collection(deployment.api, key), key, json=body)
    problem_in(response, 422, "invalid_key")


def test_the_server_of_a_bucket_receives_nothing_itself(deployment: Deployment) -> None:
    response = deployment.api.client.put("/v1/uploads/x", content=BODY, headers=HEADERS)
    problem_in(response, 404, "upload_not_found")


def test_a_key_of_the_stream_is_not_granted(deployment: Deployment) -> None:
    key = deployment.api.key("acme")
    path = collection(deployment.api, key)
    store = deployment.api.backend.store.tenant("acme")
    event = SourceEvent(
        tenant="acme",
        collection="uploads",
        key=str(ANNOUNCED["key"]),
        operation="upsert",
        kind=SourceKind.KINESIS,
        uri="kinesis:0/1",
        order="1",
        record=b"{}",
    )
    store.ledger.accept(event, store.collections.get("uploads"))
    problem_in(deployment.api.request("POST", path, key, json=ANNOUNCED), 409, "conflicting_source")
