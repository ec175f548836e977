"""Answers streamed by a server process while a fake Bedrock writes them: how late, and at whose expense.

The documents are those of examples/. Needs the extra `aws`: `.venv/bin/python -m bench.streaming`.
"""

import argparse
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from http import HTTPStatus
from math import ceil
from pathlib import Path
from threading import Event
from typing import Any, Final
from urllib.parse import urlsplit

import boto3

from bench.streaming_clients import TIMEOUT_SECONDS, ask_model, hold_streams, post, stream_answers

MODEL: Final = "mock-ttft500-itl20-len400"
SLOW_MODEL: Final = "mock-ttft500-itl200-len400"
ANSWER_SECONDS: Final = 0.5 + 400 * 0.02
STREAMS: Final = 8
SLOW_STREAMS: Final = 64
PASSAGES_MARGIN_MS: Final = 15
REGION: Final = "us-east-1"
DOCUMENTS: Final = Path(__file__).parents[1] / "examples" / "documents"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """p95 in milliseconds; `memory_kib` is what one stream adds to the server."""

    search_alone: float
    search_beside_streams: float
    passages: float
    first_delta: float
    models_first_delta: float
    search_before_slow: float
    search_beside_slow: float
    memory_kib: float
    searches: int
    streams: int


@dataclass(frozen=True, kw_only=True)
class Bar:
    """What must hold: measured, and at most."""

    name: str
    measured: float
    most: float


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="acervo-bench-") as folder, _model_server() as models:
        data, environment = Path(folder) / "data", _environment(models)
        with _server(data, environment) as (url, pid):
            _ingest(url)
            measured = _measure(url, pid, _bedrock(models), arguments.each, arguments.seconds)
    bars = _bars(measured)
    if arguments.json:
        described = {
            bar.name: {"measured": round(bar.measured, 2), "most": round(bar.most, 2)} for bar in bars
        }
        print(json.dumps({**asdict(measured), "bars": described}))
    else:
        print(_table(measured, bars))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.streaming", description=__doc__)
    parser.add_argument("--each", type=int, default=4, help="answers that each of the streams asks for")
    parser.add_argument("--seconds", type=float, default=15, help="how long searches alone are measured")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _measure(url: str, pid: int, bedrock: Any, each: int, seconds: float) -> Measured:
    stream_answers(url, "mock-len20", at_once=STREAMS, each=2)  # what is loaded late is loaded now
    _searches(url, 2)()
    apart = ANSWER_SECONDS / STREAMS
    own = ask_model(bedrock, MODEL, at_once=STREAMS, each=each, apart=apart)
    alone = _searches(url, seconds)()
    searching = _searches(url, each * ANSWER_SECONDS - 1)
    streamed = stream_answers(url, MODEL, at_once=STREAMS, each=each, apart=apart)
    beside = searching()
    before_slow = _searches(url, seconds)()
    beside_slow, memory = _beside_slow_streams(url, pid, seconds)
    return Measured(
        search_alone=p95(alone),
        search_beside_streams=p95(beside),
        passages=p95(streamed.passages),
        first_delta=p95(streamed.first_delta),
        models_first_delta=p95(own),
        search_before_slow=p95(before_slow),
        search_beside_slow=p95(beside_slow),
        memory_kib=memory,
        searches=len(alone),
        streams=len(streamed.passages),
    )


def _beside_slow_streams(url: str, pid: int, seconds: float) -> tuple[list[float], float]:
    """Searches beside streams that are all open, and KiB of the server for each of these."""
    before, all_open, release = _resident_kib(pid), Event(), Event()
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(
            hold_streams, url, SLOW_MODEL, count=SLOW_STREAMS, all_open=all_open, release=release
        )
        try:
            if not all_open.wait(TIMEOUT_SECONDS):
                raise RuntimeError("the streams do not begin")
            memory = (_resident_kib(pid) - before) / SLOW_STREAMS
            taken = _searches(url, seconds)()
        finally:
            release.set()
        held.result()
    return taken, memory


def _searches(url: str, seconds: float) -> Callable[[], list[float]]:
    """Begun in a process of their own, so that no other client takes their time; waits for them."""
    command = [sys.executable, "-m", "bench.streaming_clients", url, str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own module

    def taken() -> list[float]:
        out, _ = process.communicate()
        if process.returncode:
            raise RuntimeError("the searches failed")
        milliseconds: list[float] = json.loads(out)
        return milliseconds

    return taken


def _resident_kib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return float(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


def p95(values: Sequence[float]) -> float:
    return sorted(values)[ceil(len(values) * 0.95) - 1]


@contextmanager
def _model_server() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.doubles.bedrock_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own module
        assert process.stdout is not None  # noqa: S101 - for the type checker
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@contextmanager
def _server(data: Path, environment: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """`acervo serve`, once it is ready: its URL and process id."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "app.cli.main", "serve", "--port", str(port), "--data-dir", str(data)]
    with (
        data.with_name("server.log").open("w") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process,  # noqa: S603 - our own
    ):
        try:
            while process.poll() is None and not _ready(url):
                time.sleep(0.1)
            yield url, process.pid
        finally:
            process.terminate()


def _ready(url: str) -> bool:
    try:
        with closing(http.client.HTTPConnection(urlsplit(url).netloc)) as connection:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == HTTPStatus.OK
    except ConnectionError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _environment(models: str) -> Mapping[str, str]:
    return {
        "PATH": os.defpath,
        "ACERVO_GENERATION": f"bedrock:{MODEL}",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": models,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
    }


def _bedrock(models: str) -> Any:
    return boto3.client(
        "bedrock-runtime",
        endpoint_url=models,
        region_name=REGION,
        aws_access_key_id="bench",
        aws_secret_access_key="bench",  # noqa: S106 - of a server on loopback that asks for any
    )


def _ingest(url: str) -> None:
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_SECONDS)) as connection:
        post(connection, "/v1/collections", {"name": "examples"}).read()
        for path in sorted(DOCUMENTS.rglob("*.*")):
            content = b64encode(path.read_bytes()).decode()
            document = {"key": path.name, "content_base64": content}
            location = post(connection, "/v1/collections/examples/documents", document)
            location.read()
            _wait(connection, location.headers["Location"])


def _wait(connection: http.client.HTTPConnection, path: str) -> None:
    while True:
        connection.request("GET", path)
        document = json.load(connection.getresponse())
        if document["status"] == "ready":
            return
        if document["status"] == "failed":
            raise RuntimeError(f"{path}: {document['failure']}")
        time.sleep(0.05)


def _bars(m: Measured) -> list[Bar]:
    return [
        Bar(
            name="time to the passages, ms",
            measured=m.passages,
            most=m.search_beside_streams + PASSAGES_MARGIN_MS,
        ),
        Bar(
            name="time to the first delta, times the model's own",
            measured=m.first_delta / m.models_first_delta,
            most=1.1,
        ),
        Bar(
            name=f"search beside {SLOW_STREAMS} slow streams, times without",
            measured=m.search_beside_slow / m.search_before_slow,
            most=2.0,
        ),
    ]


def _table(m: Measured, bars: Sequence[Bar]) -> str:
    rows = {
        "search alone": m.search_alone,
        f"search beside {STREAMS} streams": m.search_beside_streams,
        f"passages, {STREAMS} streams": m.passages,
        f"first delta, {STREAMS} streams": m.first_delta,
        "first delta, the model itself": m.models_first_delta,
        "search before the slow streams": m.search_before_slow,
        f"search beside {SLOW_STREAMS} slow streams": m.search_beside_slow,
    }
    lines = [f"p95 in ms: {m.searches} searches alone, {m.streams} answers of {MODEL}"]
    lines += [f"  {name:<52} {value:>8.1f}" for name, value in rows.items()]
    lines += [f"Memory of the server: {m.memory_kib:.0f} KiB a stream", "", "What must hold"]
    lines += [
        f"  {bar.name:<52} {bar.measured:>8.2f}  at most {bar.most:.4g}"
        f"{'' if bar.measured <= bar.most else '  MISSED'}"
        for bar in bars
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
