"""How commands begin and end: private servers, signals, servers that are not there."""

import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.app.cli.commands import ACERVO, Served, acervo, free_port, serving


def test_a_private_server_keeps_its_documents(tmp_path: Path, folder: Path) -> None:
    data_dir = tmp_path / "data"
    ingested = acervo("--data-dir", data_dir, "ingest", folder, "-c", "private")
    assert (ingested.code, ingested.out, ingested.err) == (0, "3 new.\n", "")
    assert not (data_dir / "postgres" / "data" / "postmaster.pid").exists()
    again = acervo("ingest", folder, "-c", "private", "--data-dir", data_dir)
    assert (again.code, again.out) == (0, "3 unchanged, nothing to do.\n")


def test_commands_work_beside_a_server_on_the_same_data(served: Served, folder: Path) -> None:
    assert acervo("ingest", folder, "-c", "beside", "--data-dir", served.data_dir).code == 0
    found = acervo("search", "refunds", "-c", "beside", "--json", "--server", served.url).json["data"]
    assert found[0]["document"]["key"] == "policies/refunds.md"


def test_doctor_checks_this_machine(served: Served) -> None:
    told = acervo("doctor", "--data-dir", served.data_dir)
    assert told.code == 0
    names = [line.removeprefix("ok   ").partition(":")[0] for line in told.out.splitlines()]
    assert names[:3] == ["Python", "data directory", "free disk"]
    assert names[3:] == ["database", "embedding model", "generation", "collections"]
    assert "256 dimensions" in told.out


def test_doctor_says_what_to_do(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACERVO_EMBEDDING", "onnx:/nowhere")
    told = acervo("doctor", "--data-dir", served.data_dir)
    assert told.code == 1
    assert "FAIL embedding model: " in told.out
    assert "what to do: Correct or unset ACERVO_EMBEDDING." in told.out


def test_a_setting_that_cannot_be_used(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACERVO_WORKERS", "many")
    told = acervo("documents", "--data-dir", served.data_dir)
    assert told.code == 1
    assert told.err.startswith("acervo: ")
    assert "ACERVO_WORKERS" in told.err
    assert "Traceback" not in told.err


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACERVO_SERVER", f"http://127.0.0.1:{free_port()}")
    told = acervo("ask", "x")
    assert (told.code, told.out) == (3, "")
    assert told.err.startswith("acervo: No answer from the server")
    assert "`acervo serve`" in told.err
    assert "Traceback" not in told.err
    assert "Traceback" in acervo("--verbose", "documents").err


def test_a_database_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")
    told = acervo("documents", "--data-dir", tmp_path)
    assert told.code == 3
    assert "Traceback" not in told.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("ingest", "/does/not/exist", "-c", "x"),
        ("search", "x", "--server", "http://127.0.0.1:1", "--data-dir", "x"),
        ("search", "x", "--server", "localhost"),
        ("search", "x", "--filter", "{"),
    ],
    ids=" ".join,
)
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    told = acervo(*arguments)
    assert (told.code, told.out) == (2, "")
    assert "Traceback" not in told.err


def test_ctrl_c_ends_in_order() -> None:
    """A server that never answers, so that the command waits when it is interrupted."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        command = [*ACERVO, "search", "x", "--server", url]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            connection, _ = silent.accept()
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=10)
            connection.close()
    assert process.returncode == 130
    assert "Traceback" not in errors


def test_serve_refuses_a_port_in_use(served: Served, tmp_path: Path) -> None:
    told = acervo("serve", "--port", served.url.rpartition(":")[2], "--data-dir", tmp_path / "other")
    assert told.code == 3
    assert "cannot listen on" in told.err
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_stops_its_database(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path / "data") as server:
        assert server.database_runs()
        server.process.send_signal(number)
        assert server.process.wait(timeout=30) == 0
    assert not server.database_runs()
    log = tmp_path.joinpath("data.log").read_text()
    assert "Traceback" not in log
