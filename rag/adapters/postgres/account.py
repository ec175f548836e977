"""The user the embedded server runs as, and what belongs to that user alone."""

import os
import pwd
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from rag.errors import EmbeddedServerError

# Nothing else runs as it: what is `nobody`'s would be every other service's that runs as `nobody`.
USER: Final = "acervo"
_TRIES: Final = 25
_SYSTEM_PATH: Final = "/usr/sbin:/sbin:/usr/bin:/bin"
# Data and binaries often lie below a directory that only root may enter (/root, mktemp -d), and its mode is
# not ours to change. no_setuid_fixup: initdb looks at the binaries by access(2), which otherwise leaves
# capabilities out (man 2 access).
_READS_ANYWHERE: Final = (
    *("--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"),
    *("--securebits", "+no_setuid_fixup"),
)


@dataclass(frozen=True, kw_only=True)
class Account:
    """Ourselves; or, PostgreSQL refusing root, the user of its own if we are root."""

    uid: int
    gid: int
    apart: bool = False  # whether the server runs as another user than we do

    @classmethod
    def for_data(cls, data: Path) -> Self:
        if os.geteuid() != 0:
            return cls(uid=os.geteuid(), gid=os.getegid())
        uid, gid = _owner_or_user_of_its_own(data)
        return cls(uid=uid, gid=gid, apart=True)

    def command_prefix(self, *reached: Path) -> tuple[str, ...]:
        """What runs a command as this account, which has to reach these paths."""
        if not self.apart:
            return ()
        return _change_user(self, closed=any(map(self._is_closed_to, reached)))

    def _is_closed_to(self, path: Path) -> bool:
        return not all(self._may_enter(parent.stat()) for parent in path.parents)

    def _may_enter(self, found: os.stat_result) -> bool:
        # Of the three triads the first that fits decides, as in the kernel.
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IXUSR)
        if found.st_gid == self.gid:
            return bool(found.st_mode & stat.S_IXGRP)
        return bool(found.st_mode & stat.S_IXOTH)

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

    def make_socket_directory(self, path: Path) -> None:
        """Make the directory, or accept the one that is there if nobody else can have put files into it.

        It is ours, so that who runs as the server's user cannot put a socket of his own there.
        """
        with suppress(FileExistsError):
            path.mkdir(mode=0o700)
        found = path.lstat()
        if found.st_uid != os.geteuid() or not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o007:
            raise EmbeddedServerError(
                f"{path} is not a directory of user {os.geteuid()} with mode 0700: remove it, and try again."
            )
        if self.apart:
            os.chown(path, -1, self.gid)

    @contextmanager
    def may_listen_in(self, path: Path) -> Iterator[None]:
        """Only as long as the server starts may its user make a socket in the directory."""
        path.chmod(0o1770 if self.apart else 0o700)
        try:
            yield
        finally:
            path.chmod(0o700)  # what it made there stays open to it

    def adopt(self, data: Path) -> None:
        """Take over the files that an earlier version let the server make as `nobody`."""
        for folder, folders, names in os.walk(data, topdown=False):
            for entry in (Path(folder, name) for name in (*folders, *names)):
                self._adopt(entry)
        self._adopt(data)

    def _adopt(self, path: Path) -> None:
        found = path.lstat()
        # A second name of somebody else's file would hand that file over.
        if found.st_uid == self.uid or not (stat.S_ISDIR(found.st_mode) or found.st_nlink == 1):
            return
        if found.st_uid == _nobody():
            self.own(path)


def _nobody() -> int:
    return pwd.getpwnam("nobody").pw_uid


def is_of_nobody(path: Path) -> bool:
    """Whether an earlier version, run as root, made it for a server that ran as `nobody`."""
    return os.geteuid() == 0 and path.exists() and path.stat().st_uid == _nobody()


def _owner_or_user_of_its_own(data: Path) -> tuple[int, int]:
    # A directory that a normal user made stays that user's when root comes by.
    with suppress(FileNotFoundError):
        found = data.stat()
        if found.st_uid not in {0, _nobody()}:
            return found.st_uid, found.st_gid
    user = _existing_user() or _made_user()
    return user.pw_uid, user.pw_gid


def _existing_user() -> pwd.struct_passwd | None:
    with suppress(KeyError):
        return pwd.getpwnam(USER)
    return None


def _made_user() -> pwd.struct_passwd:
    for _ in range(_TRIES):
        said = _add_user()
        if user := _existing_user():
            return user
        time.sleep(0.2)  # another process has the lock of /etc/passwd
    raise EmbeddedServerError(
        f"PostgreSQL refuses to run as root, and the user {USER!r} that it would run as cannot be made"
        f" ({said}): make it with `useradd --system {USER}`, run Acervo as a normal user, or set"
        " DATABASE_URL to another server."
    )


def _add_user() -> str:
    useradd = shutil.which("useradd", path=_SYSTEM_PATH)
    if useradd is None:
        return "useradd is not here"
    options = ("--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent")
    command = (useradd, *options, "--shell", "/usr/sbin/nologin", USER)
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - no shell
    return done.stderr.strip()


def _change_user(account: Account, *, closed: bool) -> tuple[str, ...]:
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise EmbeddedServerError(
            "PostgreSQL refuses to run as root, and setpriv (of util-linux) is not here to change the user: "
            "run Acervo as a normal user, or set DATABASE_URL to another server."
        )
    user = ("--reuid", str(account.uid), "--regid", str(account.gid), "--clear-groups", "--no-new-privs")
    return (setpriv, *user, *(_READS_ANYWHERE if closed else ()), "--")
