"""The clients of bench.streaming: answers that are streamed, searches, and the model asked directly.

As a process of its own: `python -m bench.streaming_clients URL SECONDS` searches that long, one search after
another, and prints the milliseconds that each took as JSON.
"""

import http.client
import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from threading import Barrier, Event
from typing import Any, Final
from urllib.parse import urlsplit

QUESTIONS: Final = (
    "How long do refunds take?",
    "Qual é a multa por rescisão do contrato?",
    "Who is on call at night?",
    "How many days of vacation does an employee get?",
)
TIMEOUT_SECONDS: Final = 120
# One after another without a pause would be a load of its own.
SEARCHES_PER_SECOND: Final = 20


@dataclass(kw_only=True)
class Streamed:
    """Milliseconds from each request to its passages and to its first delta."""

    passages: list[float] = field(default_factory=list)
    first_delta: list[float] = field(default_factory=list)


def search_for(url: str, seconds: float) -> list[float]:
    """Milliseconds of each search, on one kept connection, so many a second."""
    address = urlsplit(url)
    taken: list[float] = []
    end = time.perf_counter() + seconds
    with closing(http.client.HTTPConnection(address.netloc, timeout=TIMEOUT_SECONDS)) as connection:
        while time.perf_counter() < end:
            query = QUESTIONS[len(taken) % len(QUESTIONS)]
            started = time.perf_counter()
            post(connection, "/v1/search", {"query": query}).read()
            taken.append((time.perf_counter() - started) * 1000)
            time.sleep(max(0.0, started + 1 / SEARCHES_PER_SECOND - time.perf_counter()))
    return taken


def stream_answers(url: str, model: str, *, at_once: int, each: int, apart: float = 0.0) -> Streamed:
    """Every one of them asks `each` times, one answer after another; the first ones some seconds apart."""
    streamed = Streamed()
    with ThreadPoolExecutor(at_once) as pool:
        waits = [place * apart for place in range(at_once)]
        for asked in [pool.submit(_ask, url, model, streamed, each, wait) for wait in waits]:
            asked.result()
    return streamed


def _ask(url: str, model: str, streamed: Streamed, times: int, wait: float) -> None:
    time.sleep(wait)
    for number in range(times):
        with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_SECONDS)) as connection:
            started = time.perf_counter()
            after: dict[str, float] = {}
            for name in _events(connection, model, QUESTIONS[number % len(QUESTIONS)]):
                after.setdefault(name, (time.perf_counter() - started) * 1000)
        streamed.passages.append(after["retrieval.completed"])
        streamed.first_delta.append(after["answer.delta"])


def hold_streams(url: str, model: str, *, count: int, all_open: Event, release: Event) -> None:
    """Streams that are read slowly by nobody else's fault; sets `all_open` once each has a delta."""
    begun = Barrier(count, action=all_open.set)
    with ThreadPoolExecutor(count) as pool:
        for held in [pool.submit(_hold, url, model, begun, release) for _ in range(count)]:
            held.result()


def _hold(url: str, model: str, begun: Barrier, release: Event) -> None:
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_SECONDS)) as connection:
        events = _events(connection, model, QUESTIONS[0])
        next(name for name in events if name == "answer.delta")
        begun.wait(TIMEOUT_SECONDS)
        for _ in events:
            if release.is_set():
                return
    if not release.is_set():
        raise RuntimeError("a stream ended before it was to: the model must write more")


def _events(connection: http.client.HTTPConnection, model: str, question: str) -> Iterator[str]:
    """The names of an answer's events as they come."""
    response = post(connection, "/v1/answers", {"question": question, "model": model, "stream": True})
    for line in response:
        if line.startswith(b"event: "):
            name = line[7:].decode().strip()
            if name == "error":
                raise RuntimeError(response.readline().decode())
            yield name


def ask_model(client: Any, model: str, *, at_once: int, each: int, apart: float) -> list[float]:
    """Milliseconds to the first delta, from the model itself, asked in the same way."""
    with ThreadPoolExecutor(at_once) as pool:
        waits = [place * apart for place in range(at_once)]
        asked = [pool.submit(_ask_model, client, model, each, wait) for wait in waits]
        return [taken for one in asked for taken in one.result()]


def _ask_model(client: Any, model: str, times: int, wait: float) -> list[float]:
    time.sleep(wait)
    return [_first_delta(client, model) for _ in range(times)]


def _first_delta(client: Any, model: str) -> float:
    messages = [{"role": "user", "content": [{"text": QUESTIONS[0]}]}]
    started = time.perf_counter()
    taken = 0.0
    for event in client.converse_stream(modelId=model, messages=messages)["stream"]:
        if "contentBlockDelta" in event and not taken:
            taken = (time.perf_counter() - started) * 1000
    return taken


def post(connection: http.client.HTTPConnection, path: str, body: Any) -> http.client.HTTPResponse:
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    if response.status >= http.HTTPStatus.BAD_REQUEST:
        raise RuntimeError(f"{path}: {response.status} {response.read(500)!r}")
    return response


def main() -> None:
    _, url, seconds = sys.argv
    print(json.dumps(search_for(url, float(seconds))))


if __name__ == "__main__":
    main()
