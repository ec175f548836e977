"""Asks /healthz every 50 ms from a process of its own, and prints the slowest and when that was."""

import http.client
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

_EVERY: Final = 0.05
# A server silent for so long is frozen: how long altogether is told by the further questions.
_LONGEST: Final = 10.0


@dataclass(kw_only=True)
class Health:
    slowest_ms: float = 0.0
    samples: int = 0
    silent: int = 0


@contextmanager
def watched(port: int) -> Iterator[Health]:
    health = Health()
    command = [sys.executable, __file__, str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield health
        finally:
            told, _ = process.communicate("\n")
            slowest, samples, silent = told.split()
            health.slowest_ms, health.samples, health.silent = float(slowest), int(samples), int(silent)


def asked(port: int) -> tuple[float, bool]:
    """Milliseconds, and whether it was an answer."""
    started = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_LONGEST)
    try:
        connection.request("GET", "/healthz")
        healthy = connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        healthy = False
    finally:
        connection.close()
    return (time.perf_counter() - started) * 1000, healthy


def _stop_when_told(stop: threading.Event) -> None:
    sys.stdin.readline()
    stop.set()


def _watch(port: int) -> None:
    stop = threading.Event()
    threading.Thread(target=_stop_when_told, args=(stop,), daemon=True).start()
    slowest, samples, silent = 0.0, 0, 0
    while not samples or not stop.wait(_EVERY):
        milliseconds, healthy = asked(port)
        # A refused connection is quick and no health at all.
        slowest = max(slowest, milliseconds if healthy else max(milliseconds, _LONGEST * 1000))
        samples, silent = samples + 1, silent + (not healthy)
    sys.stdout.write(f"{slowest} {samples} {silent}\n")


if __name__ == "__main__":
    _watch(int(sys.argv[1]))
