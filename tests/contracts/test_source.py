"""What every source promises: local folder, S3 by our double and by moto's reading of it."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.adapters.folder import FolderSource
from rag.adapters.s3 import S3Source
from rag.domain.documents import Attributes, SourceEvent, SourceKind
from rag.domain.keys import validate_key
from rag.domain.uploads import Upload
from rag.errors import InvalidKey, InvalidSidecar, SourceObjectNotFound, UploadNotFound
from rag.ports import Source
from tests.doubles.aws_server import AwsServer, aws_server
from tests.doubles.s3_server import BUCKET, s3_server

TENANT = "local"  # the default one of all of them
ATTRIBUTES = Attributes(title="Férias", media_type="text/plain", metadata={"área": ["rh", 1], "ok": None})


@dataclass(frozen=True, kw_only=True)
class Drop:
    """Another hand: it writes an object past the source."""

    source: Source
    put: Callable[[str, bytes], object]


@contextmanager
def _folder(_aws: AwsServer) -> Iterator[Drop]:
    with TemporaryDirectory() as directory:
        root = Path(directory)

        def put(name: str, body: bytes) -> None:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(body)

        yield Drop(source=FolderSource(root), put=put)


@contextmanager
def _s3(*, versioned: bool) -> Iterator[Drop]:
    with s3_server(versioned=versioned, page_size=3) as server, closing(server.client()) as client:
        yield Drop(source=S3Source(BUCKET, default_tenant=TENANT, client=client), put=server.bucket.put)


@contextmanager
def _moto(aws: AwsServer, *, versioned: bool) -> Iterator[Drop]:
    bucket = f"bucket-{uuid4().hex}"
    with closing(aws.client("s3")) as client:
        client.create_bucket(Bucket=bucket)
        if versioned:
            client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        yield Drop(
            source=S3Source(bucket, default_tenant=TENANT, client=client),
            put=lambda name, body: client.put_object(Bucket=bucket, Key=name, Body=body),
        )


SOURCES: dict[str, Callable[[AwsServer], AbstractContextManager[Drop]]] = {
    "folder": _folder,
    "s3": lambda _: _s3(versioned=False),
    "s3-versioned": lambda _: _s3(versioned=True),
    "moto": lambda aws: _moto(aws, versioned=False),
    "moto-versioned": lambda aws: _moto(aws, versioned=True),
}


@pytest.fixture(scope="module")
def aws() -> Iterator[AwsServer]:
    with aws_server() as server:
        yield server


@pytest.fixture(params=SOURCES)
def drop(request: pytest.FixtureRequest, aws: AwsServer) -> Iterator[Drop]:
    with SOURCES[request.param](aws) as built:
        yield built


@pytest.fixture
def source(drop: Drop) -> Source:
    return drop.source


def state(event: SourceEvent) -> tuple[object, ...]:
    return (event.place, event.operation, event.uri, event.etag, event.size)


def test_bytes_and_attributes_come_back(source: Source) -> None:
    event = source.put(TENANT, "hr", "pt/férias + 1%.txt", BytesIO(b"texto"), ATTRIBUTES)
    assert event.place == (TENANT, "hr", "pt/férias + 1%.txt")
    assert (event.operation, event.kind, event.size) == ("upsert", SourceKind.API, 5)
    found = source.fetch(event.uri)
    assert (found.body, found.attributes) == (b"texto", ATTRIBUTES)


def test_an_object_without_attributes_has_none(source: Source) -> None:
    event = source.put(TENANT, "hr", "a.txt", BytesIO(b"x"), Attributes())
    assert source.fetch(event.uri).attributes == Attributes()


def test_another_put_replaces_bytes_and_attributes(source: Source) -> None:
    first = source.put(TENANT, "hr", "a.txt", BytesIO(b"one"), ATTRIBUTES)
    second = source.put(TENANT, "hr", "a.txt", BytesIO(b"two!"), Attributes(media_type="text/html"))
    assert (second.uri, second.size) == (first.uri, 4)
    assert second.etag != first.etag
    found = source.fetch(second.uri)
    assert (found.body, found.attributes) == (b"two!", Attributes(media_type="text/html"))


def test_put_scan_and_observe_name_the_same_state(source: Source) -> None:
    put = source.put(TENANT, "hr", "a.txt", BytesIO(b"x"), Attributes())
    (scanned,) = source.scan()
    assert state(scanned) == state(put) == state(source.observe(TENANT, "hr", "a.txt"))
    assert scanned.kind in {SourceKind.FOLDER, SourceKind.S3}


def test_a_dropped_object_is_the_same_as_an_uploaded_one(drop: Drop) -> None:
    drop.put("hr/b/ção.txt", b"y")
    (scanned,) = drop.source.scan()
    assert (scanned.place, scanned.size) == ((TENANT, "hr", "b/ção.txt"), 1)
    assert drop.source.fetch(scanned.uri).body == b"y"


def test_what_is_described_keeps_its_bytes(source: Source) -> None:
    before = source.put(TENANT, "hr", "a.txt", BytesIO(b"x"), Attributes(title="Before"))
    event = source.describe(TENANT, "hr", "a.txt", ATTRIBUTES)
    assert (event.place, event.uri) == (before.place, before.uri)
    assert event.operation in {"upsert", "describe"}
    found = source.fetch(before.uri)
    assert (found.body, found.attributes) == (b"x", ATTRIBUTES)


def test_attributes_can_be_taken_back(source: Source) -> None:
    event = source.put(TENANT, "hr", "a.txt", BytesIO(b"x"), Attributes(title="A", metadata={"b": 1}))
    source.describe(TENANT, "hr", "a.txt", Attributes())
    assert source.fetch(event.uri).attributes == Attributes()


def test_removed_objects_are_gone(source: Source) -> None:
    put = source.put(TENANT, "hr", "a.txt", BytesIO(b"x"), ATTRIBUTES)
    removed = source.remove(TENANT, "hr", "a.txt")
    assert (removed.place, removed.operation, removed.uri) == (put.place, "delete", put.uri)
    assert source.observe(TENANT, "hr", "a.txt").operation == "delete"
    assert list(source.scan()) == []
    with pytest.raises(SourceObjectNotFound):
        source.fetch(put.uri)


def test_what_comes_back_has_no_old_attributes(source: Source) -> None:
    source.put(TENANT, "hr", "a.txt", BytesIO(b"x"), ATTRIBUTES)
    source.remove(TENANT, "hr", "a.txt")
    event = source.put(TENANT, "hr", "a.txt", BytesIO(b"y"), Attributes())
    found = source.fetch(event.uri)
    assert (found.body, found.attributes) == (b"y", Attributes())


def test_removing_what_is_not_there_is_a_deletion_too(source: Source) -> None:
    assert source.remove(TENANT, "hr", "a.txt").operation == "delete"
    assert source.observe(TENANT, "hr", "a.txt").operation == "delete"


def test_sidecars_hidden_files_and_markers_are_no_documents(drop: Drop) -> None:
    drop.source.put(TENANT, "hr", "a.txt", BytesIO(b"x"), ATTRIBUTES)
    for name in ("hr/.DS_Store", "hr/.git/config", ".hidden/b.txt", "loose.txt"):
        drop.put(name, b"x")
    assert [event.key for event in drop.source.scan()] == ["a.txt"]


def test_a_scan_has_every_object(source: Source) -> None:
    keys = {f"{number % 4}/{number}.txt" for number in range(20)}
    for key in keys:
        source.put(TENANT, "hr", key, BytesIO(b"1"), Attributes())
        source.put(TENANT, "hr", key, BytesIO(b"2"), Attributes(title=key))
    assert sorted(event.key for event in source.scan()) == sorted(keys)


def test_a_dropped_sidecar_describes(drop: Drop) -> None:
    drop.put("hr/a.txt", b"x")
    drop.put("hr/a.txt.metadata.json", json.dumps({"title": "Ação", "metadata": {"a": 1}}).encode())
    assert drop.source.fetch(drop.source.observe(TENANT, "hr", "a.txt").uri).attributes == Attributes(
        title="Ação", metadata={"a": 1}
    )


def test_a_bad_sidecar_is_a_failure_with_its_reason(drop: Drop) -> None:
    drop.put("hr/a.txt", b"x")
    drop.put("hr/a.txt.metadata.json", b"{")
    with pytest.raises(InvalidSidecar, match="not valid JSON"):
        drop.source.fetch(drop.source.observe(TENANT, "hr", "a.txt").uri)


def test_tenants_are_apart(source: Source) -> None:
    for tenant in (TENANT, "umbrella", "acme"):
        source.put(tenant, "hr", "a.txt", BytesIO(tenant.encode()), Attributes())
    events = {event.tenant: event for event in source.scan()}
    assert {source.fetch(event.uri).body.decode() for event in events.values()} == set(events)
    source.remove("acme", "hr", "a.txt")
    assert sorted(event.tenant for event in source.scan()) == [TENANT, "umbrella"]


def test_a_removed_collection_leaves_nothing_and_nothing_else_goes(source: Source) -> None:
    for number in range(8):
        source.put(TENANT, "hr", f"{number}/a.txt", BytesIO(b"x"), ATTRIBUTES)
    source.put(TENANT, "hr-2", "a.txt", BytesIO(b"x"), Attributes())
    source.put("acme", "hr", "a.txt", BytesIO(b"x"), Attributes())
    source.remove_collection(TENANT, "hr")
    assert sorted(event.place for event in source.scan()) == [
        ("acme", "hr", "a.txt"),
        (TENANT, "hr-2", "a.txt"),
    ]
    source.remove_collection(TENANT, "hr")


@pytest.mark.parametrize("key", ["../x", "a/../../x", "/etc/passwd", ""])
def test_keys_stay_below_their_collection(source: Source, key: str) -> None:
    with pytest.raises(InvalidKey):
        source.put(TENANT, "hr", key, BytesIO(b"x"), Attributes())
    upload = Upload(tenant=TENANT, collection="hr", key=key, media_type="text/plain", size=1)
    with pytest.raises(InvalidKey):
        source.grant_upload(upload)


def test_an_upload_is_granted_for_a_quarter_of_an_hour(source: Source) -> None:
    upload = Upload(tenant=TENANT, collection="hr", key="a/ção.txt", media_type="text/plain", size=1)
    grant = source.grant_upload(upload)
    assert timedelta(minutes=14) < grant.expires_at - datetime.now(UTC) <= timedelta(minutes=15)
    with pytest.raises(UploadNotFound):
        source.granted_upload("made-up")


@pytest.mark.parametrize("uri", ["folder:../../etc/passwd", "kinesis:shardId-0/1", "nonsense", ""])
def test_uris_of_elsewhere_are_not_found(source: Source, uri: str) -> None:
    with pytest.raises(SourceObjectNotFound):
        source.fetch(uri)


@given(key=st.text(min_size=1, max_size=40), body=st.binary(max_size=50))
def test_any_key_comes_back_from_s3(double: Drop, key: str, body: bytes) -> None:
    try:
        validate_key(key)
    except InvalidKey:
        return
    event = double.source.put(TENANT, "hr", key, BytesIO(body), Attributes(title=key))
    assert [state(found) for found in double.source.scan()] == [state(event)]
    assert double.source.fetch(event.uri).body == body
    double.source.remove(TENANT, "hr", key)


@pytest.fixture(scope="module")
def double() -> Iterator[Drop]:
    with _s3(versioned=True) as built:
        yield built
