"""Ctrl-C and SIGTERM in the midst of work: nothing is lost, and nothing that is healthy has failed."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.app.cli.commands import ACERVO, acervo, serving

HOSTILE = Path(__file__).parents[2] / "doubles" / "hostile_reader"
SLOW = "DO take_long"  # six seconds, longer than a server that is stopped waits


@pytest.fixture(autouse=True)
def _obedient_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(HOSTILE))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(4):
        (folder / f"a-{number}.txt").write_text(f"A small text, number {number}.")
    for number in range(4):
        (folder / f"b-{number}.txt").write_text(SLOW)
    return folder


@contextmanager
def ingesting(folder: Path, data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """In a process group of its own, as a shell starts it; some of the documents are in work."""
    command = [*ACERVO, "--data-dir", str(data_dir), "ingest", str(folder), "-c", "notes"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
    ) as process:
        try:
            wait_for_readers(process.pid)
            yield process
        finally:
            process.kill()


def wait_for_readers(pid: int) -> None:
    """Until two children of the process have been busy reading for a while."""
    while sum("ingestion.parse.child" in line for line in commands_of_children(pid)) < 2:
        time.sleep(0.1)
    time.sleep(1.5)


def commands_of_children(pid: int) -> list[str]:
    return [Path(f"/proc/{child}/cmdline").read_text() for child in children(pid)]


def children(pid: int) -> list[int]:
    found = Path("/proc").glob("[0-9]*/stat")
    parents = {}
    for stat in found:
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        parents[int(stat.parent.name)] = int(fields[1])
    return [child for child, parent in parents.items() if parent == pid]


@pytest.mark.timeout(180)
def test_ctrl_c_while_documents_are_ingested_fails_none_of_them(folder: Path, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with ingesting(folder, data_dir) as process:
        os.killpg(process.pid, signal.SIGINT)
        started = time.monotonic()
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert time.monotonic() - started < 20
    assert out == ""
    assert err.splitlines() == [err.strip()]
    assert err.startswith("interrupted, ")
    assert err.endswith(" of 8 done; run the same command again\n")
    assert acervo("--data-dir", data_dir, "documents", "--status", "failed", "--json").json["data"] == []
    again = acervo("--data-dir", data_dir, "ingest", folder, "-c", "notes")
    assert (again.code, again.err) == (0, "")
    assert len(acervo("--data-dir", data_dir, "documents", "--status", "ready", "--json").json["data"]) == 8


@pytest.mark.timeout(60)
def test_a_second_ctrl_c_ends_at_once(folder: Path, tmp_path: Path) -> None:
    with ingesting(folder, tmp_path / "data") as process:
        os.killpg(process.pid, signal.SIGINT)
        assert process.stderr
        assert process.stderr.readline().startswith("interrupted, ")
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(timeout=2) == 130
        assert "Traceback" not in process.stderr.read()
    assert (
        acervo("--data-dir", tmp_path / "data", "documents", "--status", "failed", "--json").json["data"]
        == []
    )


@pytest.mark.timeout(120)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_busy_server_stops_in_time_and_gives_its_documents_back(
    tmp_path: Path, number: signal.Signals
) -> None:
    with serving(tmp_path / "data") as server, httpx.Client(base_url=server.url) as http:
        http.post("/v1/collections", json={"name": "notes"}).raise_for_status()
        for key in ("a.txt", "b.txt"):
            http.post("/v1/collections/notes/documents", json={"key": key, "text": SLOW}).raise_for_status()
        wait_for_readers(server.process.pid)
        for pid in (server.process.pid, *children(server.process.pid)):  # as a service manager does
            if pid == server.process.pid or "parse.child" in Path(f"/proc/{pid}/cmdline").read_text():
                os.kill(pid, number)
        started = time.monotonic()
        assert server.process.wait(timeout=60) == 0
        assert time.monotonic() - started < 20
    log = (tmp_path / "data.log").read_text()
    assert "Traceback" not in log
    with serving(tmp_path / "data") as server, httpx.Client(base_url=server.url) as http:
        deadline = time.monotonic() + 60
        while (states := statuses(http)) != {"ready"} and time.monotonic() < deadline:
            time.sleep(0.2)
    assert states == {"ready"}


def statuses(http: httpx.Client) -> set[str]:
    documents = http.get("/v1/collections/notes/documents").json()["data"]
    return {document["status"] for document in documents}


@pytest.mark.timeout(120)
def test_parsing_processes_that_are_killed_fail_no_document(folder: Path, tmp_path: Path) -> None:
    with ingesting(folder, tmp_path / "data") as process:
        for child in children(process.pid):
            if "parse.child" in Path(f"/proc/{child}/cmdline").read_text():
                os.kill(child, signal.SIGKILL)
        out, err = process.communicate(timeout=100)
    assert (process.returncode, out) == (0, "8 new.\n")
    assert "Traceback" not in err
