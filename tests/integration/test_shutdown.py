"""SIGTERM while models are silent: every request ends in order, and so does the process."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.app.cli.commands import free_port
from tests.doubles.chat_server import API_KEY, ChatServer, chat_server

GRACE = 1
SERVE = """
import signal, sys
from pathlib import Path
from app.local import serve
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
_, data_dir, port, grace = sys.argv
serve(data_dir=Path(data_dir), port=int(port), grace=int(grace))
"""
BODY = {"input": "Say it."}
STREAMED = {**BODY, "stream": True}


@contextmanager
def serving(data_dir: Path, models: ChatServer, model: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The server of local mode, with a grace of a second."""
    port = free_port()
    name = f"ACERVO_GENERATION=openai:{models.base_url}#{model}"
    command = ["env", name, f"ACERVO_GENERATION_API_KEY={API_KEY}", sys.executable, "-c", SERVE]
    arguments = [str(data_dir), str(port), str(GRACE)]
    with subprocess.Popen([*command, *arguments], stderr=subprocess.PIPE, text=True) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            while not _answers(url):
                time.sleep(0.1)
            yield f"{url}/v1/generations", process
        finally:
            process.kill()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").is_success
    except httpx.TransportError:
        return False


def ended(process: subprocess.Popen[str]) -> str:
    """What it logged, once it has ended well."""
    _, log = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Traceback" not in log
    return log


def test_a_stream_that_does_not_end_is_told_why(tmp_path: Path) -> None:
    with chat_server() as models, serving(tmp_path / "data", models, "stalls") as (url, process):
        with httpx.stream("POST", url, json=STREAMED, timeout=60) as response:
            lines = response.iter_lines()
            next(line for line in lines if line == "event: generation.delta")
            process.send_signal(signal.SIGTERM)
            rest = list(lines)  # a connection that is cut would raise
        assert [line for line in rest if line.startswith("event: ")][-1] == "event: error"
        problem = json.loads(rest[-2].removeprefix("data: "))
        assert (problem["status"], problem["code"]) == (503, "shutting_down")
        assert models.left.acquire(timeout=30)
        assert "timeout graceful shutdown exceeded" not in ended(process)


def test_a_request_that_waits_for_its_answer_is_told_why(tmp_path: Path) -> None:
    with chat_server() as models, serving(tmp_path / "data", models, "silent") as (url, process):
        stopping = threading.Thread(target=_stop_once_asked, args=(models, process))
        stopping.start()
        response = httpx.post(url, json=BODY, timeout=60)
        stopping.join()
        assert (response.status_code, response.json()["code"]) == (503, "shutting_down")
        assert int(response.headers["retry-after"]) > 0
        ended(process)


def _stop_once_asked(models: ChatServer, process: subprocess.Popen[str]) -> None:
    while not models.requests:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)


def test_a_stream_that_ends_in_time_ends_whole(tmp_path: Path) -> None:
    with chat_server() as models, serving(tmp_path / "data", models, "repeats") as (url, process):
        with httpx.stream("POST", url, json=STREAMED, timeout=60) as response:
            lines = response.iter_lines()
            next(line for line in lines if line == "event: generation.created")
            process.send_signal(signal.SIGTERM)
            names = [line for line in lines if line.startswith("event: ")]
        assert names[-1] == "event: generation.completed"
        ended(process)
