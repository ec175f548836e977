"""One bad entry costs no other one, and links never lead out of the folder."""

import os
import threading
from pathlib import Path

import pytest

from rag.adapters.folder import FolderSource
from rag.errors import AcervoError, InvalidSidecar, UnreadableFile


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "documents" / "notes"
    path.mkdir(parents=True)
    (path / "zzz.txt").write_text("The last.")
    return path


@pytest.fixture
def source(folder: Path) -> FolderSource:
    return FolderSource(folder.parent)


def failures(source: FolderSource) -> dict[str, str]:
    """The code of each entry that fails, by its key."""
    found = {}
    for event in source.scan():
        try:
            source.fetch(event.uri)
        except AcervoError as error:
            found[event.key] = error.code
        assert source.observe(*event.place).etag == event.etag
    return found


def bad(folder: Path) -> None:
    (folder / ("a" * 250)).write_text("x")
    (folder / "b\n\x1b[31m%.txt").write_text("x")
    os.mkfifo(folder / "c-pipe")
    (folder / "d-loop").symlink_to("d-loop")
    (folder / "e-dangling").symlink_to("nowhere")
    Path(os.fsdecode(os.fsencode(folder) + b"/f\xe9.txt")).write_text("x")


def test_each_bad_entry_fails_by_itself_and_is_gone_when_removed(source: FolderSource, folder: Path) -> None:
    bad(folder)
    assert failures(source) == {
        "/" + "a" * 250: "invalid_key",
        "/b%0A%1B[31m%25.txt": "invalid_key",
        "c-pipe": "unreadable",
        "d-loop": "unreadable",
        "e-dangling": "unreadable",
        "/f%E9.txt": "invalid_key",
    }
    assert source.observe("local", "notes", "zzz.txt").operation == "upsert"
    for event in list(source.scan()):
        if event.key != "zzz.txt":
            assert source.remove(*event.place).operation == "delete"
    assert [event.key for event in source.scan()] == ["zzz.txt"]


def test_links_that_leave_are_passed_over_and_never_read(source: FolderSource, folder: Path) -> None:
    secret = folder.parent.parent / "secret.txt"
    secret.write_text("secret")
    (folder / "a.txt").symlink_to(secret)
    (folder / "up").symlink_to(folder.parent.parent)
    (folder / "double.txt").symlink_to("zzz.txt")
    (folder / ".store").write_text("hidden")
    (folder / "shown.txt").symlink_to(".store")
    assert [event.key for event in source.scan()] == ["shown.txt", "zzz.txt"]
    for uri in ("folder:notes/a.txt", "folder:notes/up/secret.txt"):
        with pytest.raises(AcervoError):
            source.fetch(uri)
    assert source.fetch("folder:notes/shown.txt").body == b"hidden"


def test_a_side_car_is_opened_by_the_same_rule(source: FolderSource, folder: Path) -> None:
    secret = folder.parent.parent / "secret.json"
    secret.write_text('{"title": "secret"}')
    (folder / "zzz.txt.metadata.json").symlink_to(secret)
    with pytest.raises(InvalidSidecar, match="out of the folder"):
        source.fetch("folder:notes/zzz.txt")


def test_hard_links_of_others_are_refused(source: FolderSource, folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    other = folder.parent.parent / "other.txt"
    other.write_text("x")
    os.link(other, folder / "linked.txt")
    os.chown(other, 65534, 65534)
    with pytest.raises(UnreadableFile, match="hard link"):
        source.fetch("folder:notes/linked.txt")


def test_names_that_are_no_documents_are_passed_over(source: FolderSource, folder: Path) -> None:
    for name in ("~$a.docx", ".a.swp", "b.txt~", "THUMBS.DB", "desktop.ini", ".DS_Store"):
        (folder / name).write_text("x")
    for name in ("node_modules", ".git"):
        (folder / name).mkdir()
        (folder / name / "a.txt").write_text("x")
    assert [event.key for event in source.scan()] == ["zzz.txt"]
    assert "b.txt~" in source._said  # noqa: SLF001 - what the log says


def test_a_deep_folder_is_one_entry(source: FolderSource, folder: Path) -> None:
    here = os.open(folder, os.O_RDONLY)
    for _ in range(40):
        os.mkdir("d" * 200, dir_fd=here)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    (code,) = failures(source).values()
    assert code == "unreadable"


def test_the_watch_survives_a_name_that_is_no_text(source: FolderSource, folder: Path) -> None:
    stop, seen = threading.Event(), threading.Semaphore(0)

    def watch() -> None:
        for _ in source.changes(stop):
            seen.release()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        assert seen.acquire(timeout=20)
        Path(os.fsdecode(os.fsencode(folder) + b"/f\xe9.txt")).write_text("x")
        assert seen.acquire(timeout=20)
        assert seen.acquire(timeout=20)  # watching again
        (folder / "b.txt").write_text("x")
        assert seen.acquire(timeout=20)
    finally:
        stop.set()
        thread.join()


def test_unreadable_is_another_state(source: FolderSource, folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root changes its user")
    for parent in (folder, *folder.parents[:3]):
        parent.chmod(0o755)
    before = source.observe("local", "notes", "zzz.txt").etag
    (folder / "zzz.txt").chmod(0)
    os.seteuid(65534)
    try:
        denied = source.observe("local", "notes", "zzz.txt").etag
    finally:
        os.seteuid(0)
    assert denied != before
