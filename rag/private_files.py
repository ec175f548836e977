"""Files and folders that only their owner reads, whatever the umask and whatever was there."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

_FOLDER: Final = 0o700
_FILE: Final = 0o600


def replace_private(path: Path, text: str) -> None:
    """In one step."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    new.replace(path)


def create_private(path: Path) -> BinaryIO:
    """A new file to write to."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE), "wb")


def make_private_folder(path: Path) -> None:
    """With the parents that are not there yet; those that are stay as they are."""
    if not path.is_dir():
        make_private_folder(path.parent)
        path.mkdir(mode=_FOLDER, exist_ok=True)


def close_data_directory(data_dir: Path) -> None:
    """Makes it, or takes from others what an earlier version let them read.

    A directory that holds more than Acervo's folders is somebody's home, say: its own mode stays.
    """
    ours = {"documents", "postgres"}
    make_private_folder(data_dir)
    if {entry.name for entry in data_dir.iterdir()} <= ours:
        _close(data_dir, _FOLDER)
    for folder in (data_dir / name for name in sorted(ours)):
        if folder.is_dir() and not folder.is_symlink() and _is_open(folder):
            _close_all(folder)


def _close_all(folder: Path) -> None:
    # The folder last: as long as it is open to others, the work is not done.
    for entry in _entries_below(folder):
        _close(entry, _FOLDER if entry.is_dir() else _FILE)
    _close(folder, _FOLDER)


def _entries_below(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder, topdown=False):
        yield from (Path(parent, name) for name in (*names, *folders))


def _is_open(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o077)


def _close(path: Path, mode: int) -> None:
    with suppress(PermissionError, FileNotFoundError):  # another user's, or gone meanwhile
        found = path.lstat()
        shared = stat.S_ISREG(found.st_mode) and found.st_nlink > 1  # a file of elsewhere, too
        if (
            found.st_mode & 0o077
            and not shared
            and (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode))
        ):
            path.chmod(mode)
