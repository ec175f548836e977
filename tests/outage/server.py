"""A PostgreSQL that is restarted, hangs, or has no connection left."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import psycopg

from rag.adapters.postgres.embedded import DEFAULT_SETTINGS, EmbeddedServer

_SETTINGS = {**DEFAULT_SETTINGS, "max_connections": "25"}
_OURS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'acervo'"
_PASSING = "UPDATE acervo.documents SET lease_until = lease_until - %(by)s WHERE status = 'processing'"


class FragileServer:
    """Durable: what was committed before a crash is there afterwards."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.outages: Mapping[str, Callable[[float], None]] = {
            "restarted": self.restart,
            "paused": self.pause,
            "full": self.fill,
        }

    @contextmanager
    def running(self) -> Iterator[str]:
        """The superuser's conninfo."""
        with EmbeddedServer(self._folder, settings=_SETTINGS) as server:
            self.conninfo = server.start()
            yield self.conninfo

    def restart(self, seconds: float) -> None:
        """Crashes, is away, and recovers."""
        postmaster = self._postmaster()
        os.kill(postmaster, signal.SIGQUIT)
        while _parent(postmaster) is not None:
            time.sleep(0.01)
        time.sleep(seconds)
        with EmbeddedServer(self._folder, settings=_SETTINGS):
            pass

    def pause(self, seconds: float) -> None:
        """Answers nobody, while the kernel goes on taking connections and bytes."""
        postmaster = self._postmaster()
        os.kill(postmaster, signal.SIGSTOP)  # which then starts no other
        stopped = [postmaster, *_children(postmaster)]
        for process in stopped:
            _send(process, signal.SIGSTOP)
        time.sleep(seconds)
        for process in stopped:
            _send(process, signal.SIGCONT)

    def fill(self, seconds: float) -> None:
        """Others have every connection; ours were ended."""
        end = time.monotonic() + seconds
        with ExitStack() as held:
            owner = held.enter_context(psycopg.connect(self.conninfo, autocommit=True))
            while time.monotonic() < end:
                owner.execute(_OURS)
                with suppress(psycopg.OperationalError):
                    while True:
                        held.enter_context(psycopg.connect(self.conninfo, autocommit=True))
                time.sleep(0.2)

    def advance(self, seconds: float) -> None:
        """Lets time go by for every lease."""
        with psycopg.connect(self.conninfo) as connection:
            connection.execute(_PASSING, {"by": timedelta(seconds=seconds)})

    def _postmaster(self) -> int:
        text = (self._folder / "postgres/data/postmaster.pid").read_text(encoding="utf-8")
        return int(text.split("\n", 1)[0])


def _children(parent: int) -> list[int]:
    processes = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [process for process in processes if _parent(process) == parent]


def _parent(process: int) -> int | None:
    """None: it has ended; nobody may have waited for it."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, parent = text.rpartition(")")[2].split()[:2]
    return None if state == "Z" else int(parent)


def _send(process: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, number)
