"""What stands in for AWS on this machine: MiniStack and PostgreSQL, both on loopback or a socket alone."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from infra.bundles.functions import REPOSITORY
from infra.errors import DeploymentImpossible
from rag.adapters.postgres.embedded import EmbeddedServer
from tests.app.cli.commands import free_port

_MINISTACK: Final = REPOSITORY / ".venv-deploy" / "bin" / "ministack"
_START_SECONDS: Final = 60
OWNER, SERVICE = "acervo_owner", "acervo_service"


def search_path() -> str:
    """Where Node.js is, which CDK's command and its own function run on, and the system's commands."""
    node = shutil.which("node")
    if node is None:
        raise DeploymentImpossible("Node.js is not installed: CDK's command and its own function need it.")
    return f"{Path(node).parent}:{os.defpath}"


@contextmanager
def emulator(folder: Path) -> Iterator[str]:
    """MiniStack's URL; it and the functions that it runs end together. Its log is `folder`/ministack.log."""
    if not _MINISTACK.exists():
        raise DeploymentImpossible(f"{_MINISTACK} is not there: make deploy-local makes its environment.")
    port = free_port()
    temporary = folder / "tmp"
    temporary.mkdir(parents=True)
    environment = {
        "PATH": search_path(),
        "HOME": str(folder),
        "TMPDIR": str(temporary),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        # Listeners of its own for services that are not used.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }
    log = folder / "ministack.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [str(_MINISTACK)], env=environment, stdout=output, stderr=output, start_new_session=True
        ) as process,
    ):
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(url, process, log)
            yield url
        finally:
            # Told to end, MiniStack leaves functions running.
            os.killpg(process.pid, signal.SIGKILL)
    shutil.rmtree(temporary)


@contextmanager
def database(folder: Path, password: str) -> Iterator[str]:
    """The directory of the server's socket; its owner has on it what RDS gives its first user."""
    with EmbeddedServer(folder, sync=False) as server:
        administrator = server.start()
        socket_directory = str(conninfo_to_dict(administrator)["host"])
        with psycopg.connect(administrator, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION vector")
            connection.execute("CREATE ROLE rds_iam")
            connection.execute(f"CREATE ROLE {OWNER} LOGIN CREATEROLE PASSWORD '{password}'")
            connection.execute(f"GRANT rds_iam TO {OWNER} WITH ADMIN OPTION")
            connection.execute(f"ALTER DATABASE acervo OWNER TO {OWNER}")
        owner = make_conninfo(administrator, user=OWNER, password=password)
        # On AWS the migration makes this role, and nobody needs a password.
        with psycopg.connect(owner, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {SERVICE} LOGIN PASSWORD '{password}'")
        yield socket_directory


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    give_up = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < give_up:
        try:
            httpx.get(f"{url}/_ministack/health").raise_for_status()
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise DeploymentImpossible(f"MiniStack did not start; {log} says why.")
