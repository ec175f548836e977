"""What is S3's own: headers, versions, other buckets, and its errors as ours."""

from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from typing import Any

import pytest
from botocore.config import Config

from rag.adapters.s3 import S3Source
from rag.domain.documents import Attributes
from rag.errors import (
    AcervoError,
    DocumentRejected,
    DocumentTooLarge,
    InvalidKey,
    SettingInvalid,
    SourceObjectNotFound,
    SourceUnavailable,
)
from tests.doubles.bucket import Bucket
from tests.doubles.s3_server import BUCKET, S3Server, s3_server, session

TENANT = "default"


@pytest.fixture
def server() -> Iterator[S3Server]:
    with s3_server() as running:
        yield running


@pytest.fixture
def client(server: S3Server) -> Iterator[Any]:
    with closing(server.client()) as built:
        yield built


@pytest.fixture
def source(client: Any) -> S3Source:
    return S3Source(BUCKET, default_tenant=TENANT, client=client)


def names(server: S3Server) -> list[str]:
    return list(server.bucket.objects())


def test_headers_describe_an_object_without_sidecar(server: S3Server, source: S3Source) -> None:
    headers = {"title": "=?UTF-8?Q?Relat=C3=B3rio?= 2026", "author": "ana", "broken": "=?UTF-8?X?a?="}
    server.bucket.put("hr/a.txt", b"x", content_type="text/html", metadata=headers)
    assert source.fetch(f"s3://{BUCKET}/hr/a.txt").attributes == Attributes(
        title="Relatório 2026",
        media_type="text/html",
        metadata={"author": "ana", "broken": "=?UTF-8?X?a?="},
    )


@pytest.mark.parametrize("content_type", ["binary/octet-stream", "application/octet-stream"])
def test_a_content_type_that_says_nothing(server: S3Server, source: S3Source, content_type: str) -> None:
    server.bucket.put("hr/a.txt", b"x", content_type=content_type)
    assert source.fetch(f"s3://{BUCKET}/hr/a.txt").attributes == Attributes()


def test_a_sidecar_wins_over_the_headers(server: S3Server, source: S3Source) -> None:
    server.bucket.put("hr/a.txt", b"x", content_type="text/html", metadata={"title": "Old", "author": "ana"})
    source.describe(TENANT, "hr", "a.txt", Attributes(title="New"))
    uri = f"s3://{BUCKET}/hr/a.txt"
    assert source.fetch(uri).attributes == Attributes(title="New", media_type="text/html")
    source.describe(TENANT, "hr", "a.txt", Attributes())
    assert source.fetch(uri).attributes == Attributes(media_type="text/html")


def test_a_media_type_that_no_header_can_say(source: S3Source) -> None:
    attributes = Attributes(media_type="text/plain\r\nx: ção")
    event = source.put(TENANT, "hr", "a.txt", BytesIO(b"x"), attributes)
    assert source.fetch(event.uri).attributes == attributes


def test_a_plain_put_is_one_object_and_one_notification(server: S3Server, source: S3Source) -> None:
    event = source.put(TENANT, "hr", "a.txt", BytesIO(b"x"), Attributes(media_type="text/plain"))
    assert names(server) == ["hr/a.txt"]
    (change,) = server.changes
    assert change.version is not None
    assert event.etag == f"{change.version.etag}/{change.version.id}+"
    assert event.order == ""


def test_the_sidecar_is_written_before_the_bytes(server: S3Server, source: S3Source) -> None:
    source.put(TENANT, "hr", "a.txt", BytesIO(b"x"), Attributes(title="A"))
    assert [change.key for change in server.changes] == ["hr/a.txt.metadata.json", "hr/a.txt"]


def test_a_version_brought_back_is_observed(server: S3Server, source: S3Source) -> None:
    first = source.put(TENANT, "hr", "a.txt", BytesIO(b"x"), Attributes())
    marker = server.bucket.delete("hr/a.txt").version
    assert source.observe(TENANT, "hr", "a.txt").operation == "delete"
    assert marker is not None
    server.bucket.delete("hr/a.txt", marker.id)
    observed = source.observe(TENANT, "hr", "a.txt")
    assert (observed.operation, observed.etag) == ("upsert", first.etag)
    assert [event.etag for event in source.scan()] == [first.etag]


def test_suspended_versioning_has_no_version_in_the_state(server: S3Server, source: S3Source) -> None:
    server.bucket.versioned = False
    put = source.put(TENANT, "hr", "a.txt", BytesIO(b"x"), Attributes())
    assert "/" not in put.etag
    assert source.observe(TENANT, "hr", "a.txt").etag == put.etag


def test_objects_of_other_buckets_are_fetched(server: S3Server, source: S3Source) -> None:
    server.buckets["exports"] = Bucket(name="exports", versioned=False)
    server.buckets["exports"].put("orders/4711 ção+.txt", b"elsewhere")
    assert source.fetch("s3://exports/orders/4711 ção+.txt").body == b"elsewhere"


def test_an_object_beyond_the_limit_is_not_read(server: S3Server, client: Any) -> None:
    source = S3Source(BUCKET, default_tenant=TENANT, max_object_bytes=1000, client=client)
    server.bucket.put("hr/a.txt", b"x" * 1001)
    server.bucket.put("hr/b.txt", b"x" * 1000)
    with pytest.raises(DocumentTooLarge, match="1,001 bytes"):
        source.fetch(f"s3://{BUCKET}/hr/a.txt")
    assert len(source.fetch(f"s3://{BUCKET}/hr/b.txt").body) == 1000


def test_the_default_tenant_s_objects_lie_in_one_place(server: S3Server, source: S3Source) -> None:
    server.bucket.put("hr/a.txt", b"x")
    server.bucket.put("@default/hr/a.txt", b"y")
    server.bucket.put("@/hr/a.txt", b"z")
    assert [event.uri for event in source.scan()] == [f"s3://{BUCKET}/hr/a.txt"]


def test_a_key_must_leave_room_for_its_sidecar(source: S3Source) -> None:
    with pytest.raises(InvalidKey, match="too long for the bucket"):
        source.put(TENANT, "hr", "/".join(["a" * 200] * 5 + ["b" * 19]), BytesIO(b"x"), Attributes())


FAULTS = [
    (403, "AccessDenied", SettingInvalid),
    (403, "InvalidAccessKeyId", SettingInvalid),
    (404, "NoSuchBucket", SettingInvalid),
    (404, "NoSuchKey", SourceObjectNotFound),
    (403, "InvalidObjectState", DocumentRejected),
    (400, "ExpiredToken", SourceUnavailable),
    (500, "InternalError", SourceUnavailable),
    (503, "SlowDown", SourceUnavailable),
]


@pytest.mark.parametrize(("status", "code", "error"), FAULTS)
def test_errors_are_translated(
    server: S3Server, source: S3Source, status: int, code: str, error: type[AcervoError]
) -> None:
    server.faults.append((status, code))
    with pytest.raises(error) as raised:
        source.fetch(f"s3://{BUCKET}/hr/a.txt")
    assert raised.value.__cause__ is not None
    assert raised.value.retryable is (error is SourceUnavailable)


def test_a_failing_sidecar_is_not_a_missing_one(server: S3Server, source: S3Source) -> None:
    source.put(TENANT, "hr", "a.txt", BytesIO(b"x"), Attributes(title="A"))
    server.hooks.append(
        lambda _, path: server.faults.append((503, "SlowDown")) if "metadata.json" in path else None
    )
    with pytest.raises(SourceUnavailable):
        source.fetch(f"s3://{BUCKET}/hr/a.txt")


def test_busy_answers_are_tried_again(server: S3Server) -> None:
    with closing(server.client(attempts=3)) as client:
        source = S3Source(BUCKET, default_tenant=TENANT, client=client)
        server.bucket.put("hr/a.txt", b"x")
        server.faults.append((503, "SlowDown"))
        assert source.fetch(f"s3://{BUCKET}/hr/a.txt").body == b"x"


def test_a_missing_bucket_is_no_deletion(client: Any) -> None:
    source = S3Source("missing-bucket", default_tenant=TENANT, client=client)
    with pytest.raises(SettingInvalid, match="missing-bucket does not exist"):
        source.observe(TENANT, "hr", "a.txt")
    with pytest.raises(SettingInvalid):
        list(source.scan())


def test_a_server_that_is_away() -> None:
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=1)
    with closing(session().client("s3", endpoint_url="http://127.0.0.1:9", config=config)) as client:
        source = S3Source(BUCKET, default_tenant=TENANT, client=client)
        with pytest.raises(SourceUnavailable, match="cannot be reached now"):
            list(source.scan())


def test_objects_that_stay_in_a_removed_collection_are_an_error(server: S3Server, source: S3Source) -> None:
    source.put(TENANT, "hr", "a.txt", BytesIO(b"x"), Attributes())
    server.undeletable.add("hr/a.txt")
    with pytest.raises(SettingInvalid, match="1 objects were not removed: AccessDenied"):
        source.remove_collection(TENANT, "hr")
