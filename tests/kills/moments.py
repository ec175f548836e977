"""What the server is doing when it is hurt."""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Final, TypeAlias

from tests.kills.scene import LIBRARY, Scene

Moment: TypeAlias = Callable[[Scene], AbstractContextManager[None]]
DOCUMENTS: Final = 24
MODEL: Final = "second"
_UNDER_WAY: Final = 1.0
_LARGE_ONES: Final = 4


@contextmanager
def ingest(scene: Scene) -> Iterator[None]:
    """Documents come before, during and after the fault; each is sent until it is accepted.

    The first are so large that some are being read when it happens.
    """
    for number in range(DOCUMENTS // 2):
        (scene.post_pdf if number < _LARGE_ONES else scene.post)(number)
    _await_reading(scene)
    sender = threading.Thread(target=_send_all, args=(scene, range(DOCUMENTS // 2, DOCUMENTS)))
    sender.start()
    try:
        yield
    finally:
        sender.join()


@contextmanager
def reembedding(scene: Scene) -> Iterator[None]:
    _furnish(scene)
    with _running(scene, "reembed", LIBRARY, "--model", MODEL) as started:
        if started.wait(30):
            scene.problems.append(f"acervo reembed ended with {started.returncode}")
        yield


@contextmanager
def index_build(scene: Scene) -> Iterator[None]:
    _furnish(scene)
    with _running(scene, "index", "build", LIBRARY):
        time.sleep(_UNDER_WAY)
        yield


def _await_reading(scene: Scene) -> None:
    """At most ten seconds: a quick machine may have read them all."""
    until = time.monotonic() + 10
    while time.monotonic() < until and not scene.reading():
        pass


def _send_all(scene: Scene, numbers: range) -> None:
    """In two minutes altogether, each as often as it takes."""
    until = time.monotonic() + 120
    for number in numbers:
        while not scene.post(number):
            if time.monotonic() > until:
                scene.problems.append(f"document {number} was not accepted in two minutes")
                return
            time.sleep(0.2)


def _furnish(scene: Scene) -> None:
    for number in range(DOCUMENTS):
        scene.post(number)
    scene.settle()


@contextmanager
def _running(scene: Scene, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    """An operator's command, which may fail with the server and is ended in any case."""
    with scene.command(*arguments) as process:
        try:
            yield process
            process.wait(30)
        except subprocess.TimeoutExpired:
            scene.problems.append(f"acervo {arguments[0]} does not end")
        finally:
            process.kill()


MOMENTS: Final[Mapping[str, Moment]] = {
    "ingest": ingest,
    "reembedding": reembedding,
    "index-build": index_build,
}
