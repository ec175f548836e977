"""Ordinary clients: one process with a thread each, which asks, reads and asks again."""

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import Any, Final

# Between two requests of a client, seconds, on average half of it.
_PAUSE: Final = 0.1
_GIVEN_UP: Final = 15.0
_ASKED: Final[Sequence[tuple[str, str, dict[str, Any] | None]]] = (
    ("POST", "/v1/search", {"query": "notice period of the contract", "top_k": 5}),
    ("POST", "/v1/search", {"query": "refunds fee", "mode": "keyword"}),
    ("POST", "/v1/answers", {"question": "Within how many days are refunds of order 21 paid?"}),
    ("GET", "/v1/collections/library/documents", None),
)


def started(port: int, keys: Sequence[str], seconds: float) -> "subprocess.Popen[str]":
    command = [sys.executable, __file__, str(port), str(seconds)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if process.stdin is not None:
        process.stdin.write(json.dumps(list(keys)))
        process.stdin.close()
        process.stdin = None
    return process


def finished(process: "subprocess.Popen[str]") -> list[list[float]]:
    """Status and seconds of each request."""
    with process:
        told, _ = process.communicate()
    answers: list[list[float]] = json.loads(told)
    return answers


def p95(answers: Sequence[Sequence[float]]) -> float:
    seconds = sorted(answer[1] for answer in answers)
    return seconds[min(len(seconds) - 1, int(len(seconds) * 0.95))] if seconds else float("inf")


def _client(port: int, key: str, until: float, answers: list[list[float]]) -> None:
    random = Random(key)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_GIVEN_UP)
    while time.monotonic() < until:
        time.sleep(random.random() * _PAUSE)
        began = time.monotonic()
        answers.append([_ask(connection, key, *random.choice(_ASKED)), time.monotonic() - began])
    connection.close()


def _ask(
    connection: http.client.HTTPConnection, key: str, method: str, path: str, body: dict[str, Any] | None
) -> int:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    try:
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        with suppress(OSError):
            connection.close()
        return 0
    return answer.status


def _run(port: int, seconds: float, keys: Sequence[str]) -> list[list[float]]:
    answers: list[list[float]] = []
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=_client, args=(port, key, until, answers)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_run(int(sys.argv[1]), float(sys.argv[2]), json.load(sys.stdin))))
