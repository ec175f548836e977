"""A PostgreSQL server of our own, started by the first process that needs it and stopped by the last."""

import atexit
import fcntl
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import Final, Self

from rag.adapters.postgres.cluster import Cluster
from rag.adapters.postgres.locks import close_lock, exclusive_lock, open_lock, try_exclusive
from rag.errors import EmbeddedServerError

DEFAULT_SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "shared_buffers": "128MB",
        "maintenance_work_mem": "256MB",  # an HNSW index that outgrows it is built many times slower
        # Parallel HNSW builds share that much memory: in Docker's 64 MB of /dev/shm they fail with "posix",
        # and files are as fast (20 000 × 256 dimensions: 4.4 s to 4.8 s, 2026-11).
        "dynamic_shared_memory_type": "mmap",
        "max_connections": "60",  # several processes share the server, each with a small pool
        "random_page_cost": "1.1",  # laptops have SSDs
        "jit": "off",  # compiling costs more than our short queries take
        "timezone": "UTC",  # results do not depend on the machine
        "log_timezone": "UTC",
        "log_checkpoints": "off",  # the log is for what went wrong
    }
)
# How often the server is looked at, and the longest pause between attempts to start it again, seconds.
_LOOK: Final = 0.5
_LONGEST_PAUSE: Final = 10.0
logger = logging.getLogger("acervo")

_THROW_AWAY: Final[Mapping[str, str]] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


class EmbeddedServer:
    """A PostgreSQL server of our own in `<data_dir>/postgres`, shared by every process that holds it."""

    def __init__(
        self,
        data_dir: Path,
        *,
        settings: Mapping[str, str] = DEFAULT_SETTINGS,
        sync: bool = True,
        restarted: Callable[[], None] = lambda: None,
    ) -> None:
        """`restarted` is called after a server that died was started again.

        Settings take effect when the server starts, not when a running one is joined.

        `sync=False` gives up durability for speed: only for servers that are thrown away.
        """
        self.home = data_dir.resolve() / "postgres"
        self._settings = {**settings, **({} if sync else _THROW_AWAY)}
        self._mutex = threading.Lock()
        self._cluster: Cluster | None = None
        self._users_lock = -1
        self._process = 0
        self._conninfo = ""
        self._restarted = restarted
        self._stopping = threading.Event()
        self._supervisor: threading.Thread | None = None

    def start(self) -> str:
        """Join the server, started if nobody has; the libpq conninfo of its superuser, database `acervo`.

        Raises:
            EmbeddedServerError: the server cannot be installed, started or reached.
        """
        with self._mutex, _reporting(self.home):
            if not self._joined():
                _exit_in_order_when_asked()
                atexit.register(self.stop)
                self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
                with exclusive_lock(self.home / "start.lock"):
                    self._join()
                self._supervise()
            return self._conninfo

    def stop(self) -> None:
        """Leave the server; the last to leave stops it."""
        atexit.unregister(self.stop)
        self._end_supervision()
        with self._mutex, _reporting(self.home):
            if self._joined():
                with exclusive_lock(self.home / "start.lock"):
                    self._leave()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def _supervise(self) -> None:
        self._stopping.clear()
        self._supervisor = threading.Thread(target=self._look_after, name="database", daemon=True)
        self._supervisor.start()

    def _end_supervision(self) -> None:
        self._stopping.set()
        if self._supervisor is not None and self._supervisor.is_alive():
            self._supervisor.join()

    def _look_after(self) -> None:
        pause = _LOOK
        while not self._stopping.wait(pause):
            try:
                self._revive()
            except (EmbeddedServerError, OSError) as error:
                pause = min(2 * pause, _LONGEST_PAUSE)
                logger.error("PostgreSQL died and is tried again in %.0f s: %s", pause, error)  # noqa: TRY400
            else:
                pause = _LOOK

    def _revive(self) -> None:
        cluster = self._cluster
        if cluster is None or cluster.lives():
            return
        logger.warning("PostgreSQL died and is started again.")
        with exclusive_lock(self.home / "start.lock"):
            cluster.end_orphans()
            cluster.ensure_running()
        self._restarted()

    def _joined(self) -> bool:
        # A forked child inherits the object but not the membership.
        return self._cluster is not None and self._process == os.getpid()

    def _join(self) -> None:
        cluster = Cluster(self.home, self._settings)
        self._users_lock = open_lock(self.home / "users.lock")
        fcntl.flock(self._users_lock, fcntl.LOCK_SH)
        self._cluster, self._process = cluster, os.getpid()
        with ExitStack() as undo:
            undo.callback(self._leave)
            cluster.ensure_running()
            self._conninfo = cluster.conninfo()
            undo.pop_all()

    def _leave(self) -> None:
        cluster, self._cluster = self._cluster, None
        try:
            if cluster is not None and try_exclusive(self._users_lock):
                cluster.ensure_stopped()
        finally:
            close_lock(self._users_lock)


@contextmanager
def _reporting(home: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EmbeddedServerError(f"The embedded PostgreSQL server cannot use {home}: {error}") from error


def _exit_in_order_when_asked() -> None:
    """Have SIGTERM and a closed terminal end the process through atexit, unless somebody handles them."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, _exit)


def _exit(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
