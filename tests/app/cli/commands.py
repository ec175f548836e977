"""Runs the `acervo` command as its users do: in child processes."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ACERVO = (sys.executable, "-m", "app.cli.main")


@dataclass(frozen=True, kw_only=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, kw_only=True)
class Served:
    url: str
    data_dir: Path
    process: subprocess.Popen[bytes]

    def database_runs(self) -> bool:
        return (self.data_dir / "postgres" / "data" / "postmaster.pid").exists()


def acervo(*arguments: str | Path) -> Ended:
    """Runs a command to its end."""
    done = subprocess.run(
        [*ACERVO, *map(str, arguments)],
        check=False,
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        timeout=100,
    )
    return Ended(code=done.returncode, out=done.stdout, err=done.stderr)


@dataclass(frozen=True, kw_only=True)
class OnServer:
    """Runs commands against one server."""

    url: str

    def __call__(self, *arguments: str | Path) -> Ended:
        return acervo("--server", self.url, *arguments)


@contextmanager
def serving(data_dir: Path) -> Iterator[Served]:
    """`acervo serve` on a free port; told to stop in the end, if it still runs."""
    port = free_port()
    command = [*ACERVO, "serve", "--port", str(port), "--data-dir", str(data_dir)]
    with (
        data_dir.with_name(f"{data_dir.name}.log").open("ab") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as process,
    ):
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_it_answers(url, process)
            yield Served(url=url, data_dir=data_dir, process=process)
        finally:
            process.terminate()


def write_folder(root: Path) -> Path:
    """Three documents, one of them below, and files that are not to be ingested."""
    (root / "policies").mkdir(parents=True)
    (root / "policies" / "refunds.md").write_text(
        "# Refunds\n\nRefunds are paid within 30 days of purchase.\n"
    )
    (root / "on-call.txt").write_text("The on-call engineer answers within fifteen minutes.\n")
    (root / "férias.md").write_text("# Férias\n\nO pedido de férias é feito com 45 dias de antecedência.\n")
    (root / "on-call.txt.metadata.json").write_text(
        '{"title": "On call", "metadata": {"team": "operations"}}'
    )
    (root / ".hidden.md").write_text("not to be found")
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text("not to be found")
    return root


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_until_it_answers(url: str, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            httpx.get(f"{url}/healthz").raise_for_status()
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"the server ended with {process.returncode}")
