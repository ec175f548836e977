"""PostgreSQL killed under those who use it: it comes back without hands."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import psycopg
import pytest

from rag.adapters.postgres.embedded import EmbeddedServer
from rag.backends.local import LocalBackend
from rag.errors import DatabaseUnavailable

LIMIT = 30


def pid_of(data_dir: Path) -> int:
    return int((data_dir / "postgres/data/postmaster.pid").read_text().split()[0])


def until(works: Callable[[], object]) -> float:
    """How long it took, in seconds; meanwhile nothing but DatabaseUnavailable is raised."""
    started = time.monotonic()
    while True:
        try:
            works()
        except DatabaseUnavailable:
            assert time.monotonic() - started < LIMIT
            time.sleep(0.1)
        else:
            return time.monotonic() - started


def test_killed_server_comes_back(tmp_path: Path) -> None:
    backend = LocalBackend(tmp_path)
    backend.store.check()
    for _ in range(2):
        killed = pid_of(tmp_path)
        os.kill(killed, signal.SIGKILL)
        time.sleep(0.1)
        assert until(backend.store.check) < LIMIT
        assert pid_of(tmp_path) != killed
    backend.close()


def test_killed_backend_costs_one_moment(tmp_path: Path) -> None:
    backend = LocalBackend(tmp_path)
    backend.store.check()
    with EmbeddedServer(tmp_path) as server, psycopg.connect(server.start()) as connection:
        asked = "SELECT pid FROM pg_stat_activity WHERE usename = 'acervo_service'"
        victims = connection.execute(asked).fetchall()
    assert victims
    for (pid,) in victims:
        os.kill(pid, signal.SIGKILL)
    assert until(backend.store.check) < LIMIT
    backend.close()


def test_statement_in_hand_does_not_keep_the_server_down(tmp_path: Path) -> None:
    """A backend in the middle of a long statement outlives its postmaster and blocks the next."""
    backend = LocalBackend(tmp_path)
    backend.store.check()
    server = EmbeddedServer(tmp_path)
    conninfo = server.start()
    endless = "DO $$ DECLARE n bigint := 0; BEGIN LOOP n := n + 1; EXIT WHEN n < 0; END LOOP; END $$"

    def run() -> None:
        with (
            pytest.raises(psycopg.OperationalError),
            psycopg.connect(conninfo, application_name="endless") as connection,
        ):
            connection.execute(endless)

    thread = Thread(target=run)
    thread.start()
    with psycopg.connect(conninfo, autocommit=True) as connection:
        count = (
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'endless' AND state = 'active'"
        )
        while connection.execute(count).fetchone() != (1,):
            time.sleep(0.05)
    os.kill(pid_of(tmp_path), signal.SIGKILL)
    time.sleep(0.1)
    assert until(backend.store.check) < LIMIT
    thread.join()
    server.stop()
    backend.close()
