"""A real `acervo serve` of its own with tenants, keys and a word that each tenant alone knows."""

import os
import secrets
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from app.operations import key_administration
from rag.domain.credentials import Scope
from tests.app.cli.commands import ACERVO, free_port

ROOT: Final = Path(__file__).parents[2]
MALLORY: Final = "mallory"
LIBRARY: Final = "library"
_PATIENCE: Final = 60.0
_ESSENTIAL: Final = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR", "OPENBLAS_CORETYPE")
_LIMITS: Final = {"ACERVO_PARSER_SECONDS": "8", "ACERVO_PARSER_MEMORY_BYTES": "600000000"}


@dataclass(kw_only=True)
class Tenant:
    """`secret` stands in its documents, names and conversations, and nowhere else."""

    name: str
    key: str
    revoked: str
    read_only: str
    secret: str
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@dataclass(kw_only=True)
class World:
    url: str
    port: int
    data_dir: Path
    process: subprocess.Popen[bytes]
    tenants: Mapping[str, Tenant]

    @property
    def mallory(self) -> Tenant:
        return self.tenants[MALLORY]

    @property
    def others(self) -> list[Tenant]:
        return [tenant for tenant in self.tenants.values() if tenant.name != MALLORY]

    @property
    def foreign(self) -> frozenset[str]:
        return frozenset(
            word
            for tenant in self.others
            for word in (tenant.secret, tenant.key, tenant.read_only, tenant.revoked)
        )

    @property
    def machine(self) -> frozenset[str]:
        password = (self.data_dir / "postgres" / "password").read_text("ascii").strip()
        return frozenset({str(self.data_dir), str(ROOT), password})

    def client(self, tenant: Tenant) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=tenant.headers, timeout=15)


@contextmanager
def world(*, others: int, settings: Mapping[str, str] | None = None) -> Iterator[World]:
    """With tenants whose documents are ready; the server and its database are ended at any rate."""
    with tempfile.TemporaryDirectory(prefix="attack-", ignore_cleanup_errors=True) as folder:
        data_dir = Path(folder) / "data"
        tenants = _tenants(data_dir, [MALLORY, *(f"client-{number}" for number in range(others))])
        with served(data_dir, {**_LIMITS, **(settings or {})}) as (process, port):
            made = World(
                url=f"http://127.0.0.1:{port}", port=port, data_dir=data_dir, process=process, tenants=tenants
            )
            for tenant in tenants.values():
                _furnish(made, tenant)
            for tenant in tenants.values():
                _await_ready(made, tenant)
            yield made


@contextmanager
def served(
    data_dir: Path, settings: Mapping[str, str], *, alone: bool = True
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = free_port()
    command = [*ACERVO, "serve", "--port", str(port), "--data-dir", str(data_dir)]
    given = {name: value for name, value in os.environ.items() if name in _ESSENTIAL}  # noqa: TID251 - a child's
    with (
        data_dir.with_name("serve.log").open("ab") as log,
        subprocess.Popen(
            command, stdout=log, stderr=log, cwd=ROOT, env={**given, **settings}, start_new_session=True
        ) as process,
    ):
        try:
            await_healthy(process, port)
            yield process, port
        finally:
            end(process, data_dir, alone=alone)


def await_healthy(process: subprocess.Popen[bytes], port: int, seconds: float = _PATIENCE) -> float:
    """How long it took."""
    started = time.monotonic()
    while time.monotonic() < started + seconds:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        with suppress(httpx.TransportError):
            if httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=2).is_success:
                return time.monotonic() - started
        time.sleep(0.05)
    raise RuntimeError(f"the server does not answer after {seconds:g} s")


def end(
    process: subprocess.Popen[bytes], data_dir: Path, *, alone: bool = True, seconds: float = 20.0
) -> bool:
    """Whether the server ended by itself when asked.

    The database that it leaves behind is ended by its number, unless another server uses it too.
    """
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False
    finally:
        if alone:
            _end_database(data_dir)
    return True


def database_pid(data_dir: Path) -> int | None:
    with suppress(OSError, ValueError, IndexError):
        return int((data_dir / "postgres" / "data" / "postmaster.pid").read_text("ascii").split()[0])
    return None


def _end_database(data_dir: Path) -> None:
    pid = database_pid(data_dir)
    if pid is None:
        return
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGINT)
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists() or database_pid(data_dir) is None:
            return
        time.sleep(0.1)


def _tenants(data_dir: Path, names: list[str]) -> dict[str, Tenant]:
    with key_administration(data_dir) as administration:

        def key(tenant: str, *scopes: Scope) -> tuple[str, str]:
            made, secret = administration.create("attack", scopes or tuple(Scope), tenant)
            return made.id, secret

        made = {}
        for name in names:
            revoked, old = key(name)
            administration.revoke(revoked)
            made[name] = Tenant(
                name=name,
                key=key(name)[1],
                read_only=key(name, Scope.READ)[1],
                revoked=old,
                secret=f"zq{secrets.token_hex(8)}",
            )
    return made


def document_of(tenant: Tenant, number: int) -> dict[str, Any]:
    text = "\n\n".join(
        f"## Part {part}\n\nRefunds of order {number * 10 + part} are paid within {part + 3} days by "
        f"{tenant.secret}. The notice period of contract {number} is {part + 20} days, and its fee 5 %."
        for part in range(6)
    )
    return {"key": f"policy-{number}.md", "title": f"Policy {number}", "text": text}


def _furnish(made: World, tenant: Tenant) -> None:
    with made.client(tenant) as client:
        for name in (LIBRARY, f"own-{tenant.secret}"):
            client.post("/v1/collections", json={"name": name}).raise_for_status()
        for number in range(5):
            given = client.post(f"/v1/collections/{LIBRARY}/documents", json=document_of(tenant, number))
            tenant.ids["document_id"] = given.raise_for_status().json()["id"]
        asked = {"question": f"When does {tenant.secret} pay refunds?", "conversation_id": "new"}
        answer = client.post("/v1/answers", json=asked).raise_for_status().json()
        tenant.ids |= {"answer_id": answer["id"], "conversation_id": answer["conversation_id"]}


def _await_ready(made: World, tenant: Tenant) -> None:
    path = f"/v1/collections/{LIBRARY}/documents"
    deadline = time.monotonic() + _PATIENCE
    with made.client(tenant) as client:
        while time.monotonic() < deadline:
            listed = client.get(path).json()["data"]
            if all(document["status"] == "ready" for document in listed):
                return
            time.sleep(0.1)
    raise RuntimeError(f"the documents of {tenant.name} are not ready")
