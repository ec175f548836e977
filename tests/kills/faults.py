"""What happens to a server, and what its service manager does about it: start it again, and nothing else."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

import httpx

from tests.attack.world import await_healthy, database_pid, served
from tests.kills.scene import LIBRARY, Scene, mounted, signalled

Fault: TypeAlias = Callable[[Scene], None]
_HURT_SECONDS: Final = 4.0


class NotTried(Exception):
    """This machine does not allow the fault."""


def kill_server(scene: Scene) -> None:
    scene.process.kill()
    scene.process.wait()
    scene.restart()


def terminate_server(scene: Scene) -> None:
    scene.process.terminate()
    scene.await_end("SIGTERM")
    scene.restart()


def interrupt_group(scene: Scene) -> None:
    os.killpg(scene.process.pid, signal.SIGINT)
    scene.await_end("SIGINT to the group")
    scene.restart()


def terminate_group(scene: Scene) -> None:
    os.killpg(scene.process.pid, signal.SIGTERM)
    scene.await_end("SIGTERM to the group")
    scene.restart()


def kill_parser(scene: Scene) -> None:
    """Each that reads, once; where none does, whichever there is."""
    killed = [pid for pid in scene.reading() or scene.parsers() if signalled(pid, signal.SIGKILL)]
    if not killed:
        raise NotTried("no parser process was there to be killed")


def kill_postgres(scene: Scene) -> None:
    pid = database_pid(scene.data_dir)
    if pid is None or not signalled(pid, signal.SIGKILL):
        raise NotTried("no PostgreSQL was there to be killed")


def full_disk(scene: Scene) -> None:
    """Until nothing more goes onto it; what it refuses meanwhile it says so, and then there is room again."""
    filler = scene.data_dir.parent / "filler"
    with filler.open("wb") as file:
        try:
            while True:
                file.write(b"\x00" * 1_000_000)
                file.flush()
        except OSError:
            pass
    _use_while_hurt(scene, "a full disk")
    filler.unlink()


def read_only(scene: Scene) -> None:
    documents = scene.data_dir / "documents"
    documents.mkdir(exist_ok=True)
    try:
        with mounted(documents, "--bind", str(documents)):
            _remount_read_only(documents)
            _use_while_hurt(scene, "a read-only data directory")
    except subprocess.CalledProcessError as error:
        raise NotTried(f"mounting is not allowed here: {error.stderr!r}") from error


def two_servers(scene: Scene) -> None:
    """The second may refuse; the first must not suffer when it goes."""
    try:
        with served(scene.data_dir, scene.settings, alone=False) as (process, port):
            await_healthy(process, port)
            httpx.get(f"http://127.0.0.1:{port}/v1/collections/{LIBRARY}", timeout=10)
    except RuntimeError as error:
        if scene.process.poll() is not None:
            scene.problems.append(f"the first server ended when a second began: {error}")
    if scene.process.poll() is not None:
        scene.restart()


def _remount_read_only(folder: Path) -> None:
    command = ["mount", "-o", "remount,bind,ro", str(folder)]
    subprocess.run(command, check=True, capture_output=True)


def _use_while_hurt(scene: Scene, what: str) -> None:
    """Errors that name what is wrong are right (507, 503); any other 5xx is not."""
    until, number, before = time.monotonic() + _HURT_SECONDS, 500, len(scene.refused)
    while time.monotonic() < until:
        scene.post(number, words=6_000)
        number += 1
        time.sleep(0.1)
    unnamed = [status for status in scene.refused[before:] if status >= 500 and status not in {503, 507}]
    if unnamed:
        scene.problems.append(f"{what} is answered by {sorted(set(unnamed))}, {len(unnamed)} times")


FAULTS: Final[Mapping[str, Fault]] = {
    "kill-server": kill_server,
    "term-server": terminate_server,
    "int-group": interrupt_group,
    "term-group": terminate_group,
    "kill-parser": kill_parser,
    "kill-postgres": kill_postgres,
    "full-disk": full_disk,
    "read-only": read_only,
    "two-servers": two_servers,
}
