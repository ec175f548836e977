"""Which files are ingested, and what is printed of what they say."""

import os
from pathlib import Path

import pytest

from app.cli.exits import WrongUsage
from app.cli.files import find_files
from app.cli.output import safe
from rag.errors import InvalidSidecar


def test_keys_are_paths_below_the_folder_or_names(folder: Path) -> None:
    keys = [file.key for file in find_files([folder], "")]
    assert sorted(keys) == ["férias.md", "on-call.txt", "policies/refunds.md"]
    assert [file.key for file in find_files([folder / "on-call.txt"], "2026/")] == ["2026/on-call.txt"]


def test_a_file_named_twice_is_one(folder: Path) -> None:
    assert len(find_files([folder, folder / "on-call.txt", folder], "")) == 3


def test_two_files_of_one_key_are_refused(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "on-call.txt"
    other.write_text("other")
    with pytest.raises(WrongUsage, match="--prefix"):
        find_files([folder, other], "")


def test_a_sidecar_gives_title_and_metadata(folder: Path) -> None:
    (file,) = find_files([folder / "on-call.txt"], "")
    assert file.attributes() == {"title": "On call", "metadata": {"team": "operations"}}


@pytest.mark.parametrize("content", ["{", "[]", '{"author": "A"}'])
def test_a_sidecar_that_cannot_be_read(folder: Path, content: str) -> None:
    (folder / "on-call.txt.metadata.json").write_text(content)
    (file,) = find_files([folder / "on-call.txt"], "")
    with pytest.raises(InvalidSidecar, match=r"on-call\.txt\.metadata\.json"):
        file.attributes()


def test_a_document_cannot_steer_the_terminal() -> None:
    assert safe("a\x1b]0;title\x07\x9b31m\u202eb\tc\n") == r"a\x1b]0;title\x07\x9b31m\u202eb" + "\tc\n"


def test_what_is_no_file_is_passed_over_and_a_dangling_link_is_not(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link.md").symlink_to("nowhere.md")
    assert [file.key for file in find_files([tmp_path], "")] == ["link.md"]
