"""What lies in the data directory is its owner's alone."""

import os
import stat
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from rag.backends.local import LocalBackend
from rag.domain.documents import Attributes
from rag.private_files import close_data_directory


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> list[Path]:
    found = (folder, *folder.rglob("*"))
    return [path for path in found if not path.is_symlink() and path.stat().st_mode & 0o077]


def test_everything_is_private_whatever_the_umask(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    backend = LocalBackend(data_dir)
    backend.store.check()
    attributes = Attributes(title="A title")
    backend.source.put("local", "manual", "a/b/c.txt", BytesIO(b"secret"), attributes)
    assert open_to_others(data_dir) == []
    backend.close()
    assert open_to_others(data_dir) == []


def test_directory_of_an_earlier_version_is_closed(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    outside = tmp_path / "outside.txt"
    outside.write_text("theirs")
    (data_dir / "documents" / "manual").mkdir(parents=True)
    (data_dir / "documents" / "manual" / "a.txt").write_text("secret")
    (data_dir / "documents" / "manual" / "link.txt").symlink_to(outside)
    (data_dir / "documents" / "manual" / "hard.txt").hardlink_to(outside)
    close_data_directory(data_dir)
    assert open_to_others(data_dir) == [data_dir / "documents" / "manual" / "hard.txt"]
    assert stat.S_IMODE(outside.stat().st_mode) == 0o666


def test_directory_that_holds_more_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o755)
    (tmp_path / "home" / "letter.txt").touch()
    (tmp_path / "home" / "documents").mkdir()
    close_data_directory(tmp_path / "home")
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o755
    assert open_to_others(tmp_path / "home" / "documents") == []
