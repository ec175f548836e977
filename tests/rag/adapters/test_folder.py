"""The folder as a source: what stands behind a key now, in an order that never lies."""

import threading
from io import BytesIO
from pathlib import Path

import pytest

from rag.adapters.folder import FolderSource
from rag.domain.documents import Attributes, SourceKind
from rag.errors import InvalidKey, InvalidSidecar, KeyConflict, SourceObjectNotFound


@pytest.fixture
def source(tmp_path: Path) -> FolderSource:
    return FolderSource(tmp_path)


def test_bytes_and_attributes_come_back(source: FolderSource) -> None:
    attributes = Attributes(title="Férias", media_type="text/plain", metadata={"área": ["rh", 1]})
    event = source.put("local", "hr", "pt/férias + 1.txt", BytesIO(b"texto"), attributes)
    assert (event.operation, event.kind, event.size) == ("upsert", SourceKind.API, 5)
    found = source.fetch(event.uri)
    assert (found.body, found.attributes) == (b"texto", attributes)


def test_a_dropped_file_is_the_same_object_as_an_uploaded_one(source: FolderSource, tmp_path: Path) -> None:
    uploaded = source.put("local", "hr", "a.txt", BytesIO(b"x"), Attributes())
    (tmp_path / "hr" / "b").mkdir()
    (tmp_path / "hr" / "b" / "c.txt").write_bytes(b"y")
    events = {event.key: event for event in source.scan()}
    assert set(events) == {"a.txt", "b/c.txt"}
    assert (events["a.txt"].etag, events["a.txt"].uri) == (uploaded.etag, uploaded.uri)
    assert events["a.txt"].order > uploaded.order


def test_hidden_files_and_sidecars_are_no_documents(source: FolderSource, tmp_path: Path) -> None:
    source.put("local", "hr", "a.txt", BytesIO(b"x"), Attributes(title="A"))
    (tmp_path / "hr" / ".DS_Store").write_bytes(b"")
    (tmp_path / "loose.txt").write_bytes(b"no collection")
    assert [event.key for event in source.scan()] == ["a.txt"]


def test_other_tenants_live_under_their_own_folder(source: FolderSource) -> None:
    source.put("acme", "hr", "a.txt", BytesIO(b"x"), Attributes())
    assert [(event.tenant, event.collection, event.key) for event in source.scan()] == [
        ("acme", "hr", "a.txt")
    ]


def test_a_changed_sidecar_changes_the_state(source: FolderSource) -> None:
    before = source.put("local", "hr", "a.txt", BytesIO(b"x"), Attributes())
    after = source.describe("local", "hr", "a.txt", Attributes(title="A"))
    assert before.etag != after.etag
    assert source.fetch(after.uri).attributes.title == "A"


def test_removed_objects_are_deletions(source: FolderSource) -> None:
    uploaded = source.put("local", "hr", "a.txt", BytesIO(b"x"), Attributes(title="A"))
    removed = source.remove("local", "hr", "a.txt")
    assert (removed.operation, removed.order > uploaded.order) == ("delete", True)
    with pytest.raises(SourceObjectNotFound):
        source.fetch(uploaded.uri)
    assert list(source.scan()) == []


def test_a_removed_collection_leaves_nothing(source: FolderSource, tmp_path: Path) -> None:
    source.put("local", "hr", "a/b.txt", BytesIO(b"x"), Attributes())
    source.remove_collection("local", "hr")
    assert list(source.scan()) == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("key", ["../x", "a/../../x", "/etc/passwd", ""])
def test_keys_stay_below_their_collection(source: FolderSource, key: str) -> None:
    with pytest.raises(InvalidKey):
        source.put("local", "hr", key, BytesIO(b"x"), Attributes())


def test_uris_stay_below_the_root(source: FolderSource) -> None:
    with pytest.raises(SourceObjectNotFound):
        source.fetch("folder:../../etc/passwd")


def test_a_key_cannot_be_file_and_folder_at_once(source: FolderSource) -> None:
    source.put("local", "hr", "a", BytesIO(b"x"), Attributes())
    with pytest.raises(KeyConflict, match="folder of another"):
        source.put("local", "hr", "a/b", BytesIO(b"x"), Attributes())


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"titel": 1}', b'{"title": 1}', b'{"metadata": {"a": "\\u0000"}}']
)
def test_a_bad_sidecar_is_a_failure_with_its_reason(
    source: FolderSource, tmp_path: Path, body: bytes
) -> None:
    event = source.put("local", "hr", "a.txt", BytesIO(b"x"), Attributes())
    (tmp_path / "hr" / "a.txt.metadata.json").write_bytes(body)
    with pytest.raises(InvalidSidecar, match="side-car"):
        source.fetch(event.uri)


def test_changes_are_noticed(source: FolderSource, tmp_path: Path) -> None:
    stop, noticed = threading.Event(), threading.Event()

    def watch() -> None:
        for _ in source.changes(stop):
            noticed.set()

    thread = threading.Thread(target=watch)
    thread.start()
    (tmp_path / "hr").mkdir()
    for number in range(50):
        (tmp_path / "hr" / "a.txt").write_text(str(number))
        if noticed.wait(0.2):
            break
    stop.set()
    thread.join()
    assert noticed.is_set()
