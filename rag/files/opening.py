"""Opens files below a folder so that no link leads out of it, however the folder changes meanwhile.

Every part of the way is opened from the one before, and none may be a link. A link to a file is resolved
first, and where it leads is then opened in the same way.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO

from rag.errors import UnreadableFile

_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A folder that may be passed through need not be listed; elsewhere than on Linux it must.
_PASSED = _FOLDER | getattr(os, "O_PATH", os.O_RDONLY)
# A pipe would block the reader until somebody writes.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Obstacle(Enum):
    """Why a file cannot be read; the value is the sentence that a user reads."""

    DENIED = "The service may not read it. Give its user the right to, or remove it."
    DANGLING = "It is a link to a file that is not there. Mend or remove the link."
    LOOP = "It is a link that leads back to itself. Mend or remove the link."
    OUTSIDE = "It is a link that leads out of the folder. Put the file itself there."
    FOLDER_LINK = "It is a link to a folder; such links are not followed. Put the folder itself there."
    SPECIAL = "It is a pipe, a socket or a device, not a file. Remove it."
    FOREIGN = (
        "It has a second name elsewhere (a hard link) and belongs to somebody else than its folder."
        " Put a copy there."
    )
    DEEP = "The folder's path is too long for keys below it. Move it up, or shorten the names."
    FAILING = "The system cannot read it. See to the disk or the network drive."

    def error(self) -> UnreadableFile:
        return UnreadableFile(self.value)


@dataclass(frozen=True, kw_only=True)
class Tree:
    """The folder `below` a trusted `root`; neither it nor any folder in it is reached by a link."""

    root: Path
    below: tuple[str, ...] = ()

    @contextmanager
    def folder(self, path: str = "", *, listed: bool = False, made: bool = False) -> Iterator[int]:
        """A descriptor of the folder. Raises OSError. `made`: what is missing is made."""
        parts = (*self.below, *filter(None, path.split("/")))
        descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in parts:
                _refuse_steps(part)
                following = _opened_below(descriptor, part, made=made)
                os.close(descriptor)
                descriptor = following
            if listed and parts:
                following = os.open(".", _FOLDER | os.O_RDONLY, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = following
            yield descriptor
        finally:
            os.close(descriptor)

    def target(self, path: str) -> str | None:
        """Where a link leads, as a path below the folder; None: out of it. Raises OSError."""
        base = os.path.join(self.root, *self.below)  # noqa: PTH118 - names may be no text
        real = os.path.realpath(f"{base}/{path}", strict=True)
        home = os.path.realpath(base) + "/"
        return real.removeprefix(home) if real.startswith(home) else None

    @contextmanager
    def file(self, path: str) -> Iterator[BinaryIO]:
        """The file itself, or that to which a link in the folder leads.

        Raises UnreadableFile, and FileNotFoundError where there is no file.
        """
        with os.fdopen(self._opened(path), "rb") as opened:
            yield opened

    def _opened(self, path: str) -> int:
        try:
            return self._opened_directly(path)
        except OSError as error:
            if error.errno not in {errno.ELOOP, errno.EMLINK}:
                raise _translated(error) from error
        try:
            target = self.target(path)
            if target is None:
                raise Obstacle.OUTSIDE.error()
            return self._opened_directly(target)
        except FileNotFoundError as error:
            raise Obstacle.DANGLING.error() from error
        except OSError as error:
            raise _translated(error) from error

    def _opened_directly(self, path: str) -> int:
        folder, name = split(path)
        with self.folder(folder) as descriptor:
            file = os.open(name, _FILE, dir_fd=descriptor)
            try:
                _refuse(obstacle_of(os.fstat(file), os.fstat(descriptor)))
            except BaseException:
                os.close(file)
                raise
            return file


def split(path: str) -> tuple[str, str]:
    """The folder and the name. Raises FileNotFoundError where there is no name."""
    folder, _, name = path.rpartition("/")
    _refuse_steps(name)
    return folder, name


def obstacle_of(found: os.stat_result, folder: os.stat_result) -> Obstacle | None:
    """Why a file of this kind is not read; a folder is no file at all. Raises FileNotFoundError."""
    if stat.S_ISDIR(found.st_mode):
        raise FileNotFoundError(errno.ENOENT, "It is a folder")
    if not stat.S_ISREG(found.st_mode):
        return Obstacle.SPECIAL
    if found.st_nlink > 1 and found.st_uid != folder.st_uid:
        return Obstacle.FOREIGN
    return None


def obstacle_behind(error: OSError) -> Obstacle:
    """Raises the error again where nothing is there."""
    if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG}:
        raise error
    if error.errno in {errno.EACCES, errno.EPERM}:
        return Obstacle.DENIED
    if error.errno in {errno.ENXIO, errno.ENODEV}:  # a socket or a device without its driver
        return Obstacle.SPECIAL
    return Obstacle.LOOP if error.errno == errno.ELOOP else Obstacle.FAILING


def _opened_below(descriptor: int, part: str, *, made: bool) -> int:
    try:
        return os.open(part, _PASSED, dir_fd=descriptor)
    except FileNotFoundError:
        if not made:
            raise
    with suppress(FileExistsError):  # somebody was faster
        os.mkdir(part, 0o700, dir_fd=descriptor)
    return os.open(part, _PASSED, dir_fd=descriptor)


def _refuse_steps(part: str) -> None:
    if part in {"", ".", ".."} or "\0" in part or "/" in part:
        raise FileNotFoundError(errno.ENOENT, "Not the name of a file")


def _refuse(obstacle: Obstacle | None) -> None:
    if obstacle:
        raise obstacle.error()


def _translated(error: OSError) -> Exception:
    try:
        return obstacle_behind(error).error()
    except OSError:
        return FileNotFoundError(errno.ENOENT, "There is no such file")


def has_rights(name: str, *, folder: int, wanted: int = os.R_OK) -> bool:
    """Whether this process has them, as its effective user."""
    effective = os.access in os.supports_effective_ids
    return os.access(name, wanted, dir_fd=folder, effective_ids=effective)
