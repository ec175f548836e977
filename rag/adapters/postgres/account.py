"""The user the embedded server runs as, and what belongs to that user alone."""

import os
import pwd
import shutil
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rag.errors import EmbeddedServerError


@dataclass(frozen=True, kw_only=True)
class Account:
    """Ourselves; or, PostgreSQL refusing root, somebody else if we are root."""

    uid: int
    gid: int
    command_prefix: tuple[str, ...] = ()

    @classmethod
    def for_data(cls, data: Path) -> Self:
        if os.geteuid() != 0:
            return cls(uid=os.geteuid(), gid=os.getegid())
        uid, gid = _owner_or_nobody(data)
        return cls(uid=uid, gid=gid, command_prefix=_change_user(uid, gid))

    def own(self, path: Path) -> None:
        os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def write_private(self, path: Path, text: str) -> None:
        """Replace the file in one step; only this account reads it."""
        new = path.with_name(f"{path.name}.new")
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
            os.fchown(descriptor, self.uid, self.gid)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        new.replace(path)

    def make_private_directory(self, path: Path) -> None:
        """Make the directory, or accept the one that is there if nobody else can have put files into it."""
        with suppress(FileExistsError):
            path.mkdir(mode=0o700)
        found = path.lstat()
        ours = found.st_uid in {self.uid, os.geteuid()}
        if not (ours and stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == stat.S_IRWXU):
            raise EmbeddedServerError(
                f"{path} is not a directory of user {self.uid} with mode 0700: remove it, and try again."
            )
        self.own(path)


def _owner_or_nobody(data: Path) -> tuple[int, int]:
    # A directory that a normal user made stays that user's when root comes by.
    with suppress(FileNotFoundError):
        found = data.stat()
        if found.st_uid != 0:
            return found.st_uid, found.st_gid
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _change_user(uid: int, gid: int) -> tuple[str, ...]:
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise EmbeddedServerError(
            "PostgreSQL refuses to run as root, and setpriv (of util-linux) is not here to change the user: "
            "run Acervo as a normal user, or set DATABASE_URL to another server."
        )
    # Data and binaries often lie below a directory that only root may enter (/root, mktemp -d), and its
    # mode is not ours to change: the server keeps that one capability of root. no_setuid_fixup: initdb
    # looks at the binaries by access(2), which otherwise leaves capabilities out (man 2 access).
    kept = ("--inh-caps", "+dac_override", "--ambient-caps", "+dac_override")
    bits = ("--securebits", "+no_setuid_fixup")
    return (setpriv, "--reuid", str(uid), "--regid", str(gid), "--clear-groups", *kept, *bits, "--")
