"""Every check of the attack can fail."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.attack.clients import finished, p95, started
from tests.attack.files import hostile_files
from tests.attack.health import watched
from tests.attack.judge import Answer, Judge, told
from tests.attack.run import Result
from tests.attack.wire import Case, exchange, request

CANARY = "zq0123456789abcdef"


def judge() -> Judge:
    return Judge(foreign=frozenset({CANARY}), machine=frozenset({"/srv/acervo/data"}))


def whats(
    status: int = 200, text: str = "", *, seconds: float = 0.1, sent: str = "GET /", refused: bool = False
) -> list[str]:
    answer = Answer(status=status, seconds=seconds, text=text)
    return [finding.what for finding in judge().look("kind", sent, answer, limit=5, refused=refused)]


def test_what_is_right_is_no_finding() -> None:
    assert whats(200, '{"data": []}') == []
    assert whats(401, refused=True) == []
    assert whats(0) == []


@pytest.mark.parametrize("status", [500, 502, 503, 507])
def test_a_fault_of_the_server_is_counted(status: int) -> None:
    assert whats(status) == ["server_error"]


@pytest.mark.parametrize(
    "text",
    [
        f'{{"text": "paid by {CANARY}"}}',
        "Traceback (most recent call last):",
        'File "/x/app/api/main.py", line 3',
        "psycopg.errors.SyntaxError",
        "postgresql://acervo@/acervo",
        "cannot open /srv/acervo/data/documents",
        "root:x:0:0:root:/root:/bin/sh",
    ],
)
def test_what_is_not_the_attackers_is_a_leak(text: str) -> None:
    assert "leak" in whats(422, text)


def test_what_the_attacker_sent_may_come_back() -> None:
    assert whats(404, f"There is no {CANARY}.", sent=f"GET /{CANARY}") == []


def test_a_credential_of_nobody_that_is_admitted_is_a_leak() -> None:
    assert whats(200, refused=True) == ["leak"]


def test_late_and_no_answers_are_seen() -> None:
    assert whats(seconds=5.1) == ["slow"]
    assert whats(-1, seconds=1) == ["slow"]


def test_findings_are_told_by_kind() -> None:
    seen = judge()
    for _ in range(3):
        seen.look("path search", "GET /", Answer(status=500, seconds=0, text="oops"), limit=5)
    assert told(seen.findings)[0].split() == ["server_error", "3", "x", "path", "search"]


@pytest.mark.parametrize(
    "figures",
    [
        {"server_errors": 1},
        {"leaks": 1},
        {"slowest_healthz_ms": 1000},
        {"others_p95_ratio": 2.01},
        {"slow": 1},
    ],
)
def test_each_figure_fails_the_run(figures: dict[str, int]) -> None:
    assert Result().failures == []
    assert len(Result(**figures).failures) == 1  # type: ignore[arg-type]


def test_a_lost_document_of_another_fails_the_run() -> None:
    result = Result(judge=judge())
    result.judge.note("lost", "client-0", "/v1/documents/x -> 404")
    assert len(result.failures) == 1


def test_there_are_enough_files_with_names_of_their_own() -> None:
    files = hostile_files()
    assert len({file.name for file in files}) == len(files) >= 200
    assert [file.body for file in hostile_files()[:50]] == [file.body for file in files[:50]]


@contextmanager
def answering(seconds: float, status: int = 200) -> Iterator[int]:
    """The port of a server that takes its time."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(seconds)
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_POST = do_GET  # noqa: N815 - the base class names it so

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_slow_health_is_noticed() -> None:
    with answering(0.4) as port, watched(port) as health:
        time.sleep(1.5)
    assert health.slowest_ms >= 400
    assert health.samples >= 1
    assert health.silent == 0


def test_health_that_is_an_error_is_no_health() -> None:
    with answering(0, 500) as port, watched(port) as health:
        time.sleep(1.0)
    assert health.slowest_ms >= 10_000
    assert health.silent == health.samples > 0


def test_ordinary_clients_measure_the_server() -> None:
    with answering(0.2) as port:
        answers = finished(started(port, ["a", "b"], 1.0))
    assert {answer[0] for answer in answers} == {200}
    assert p95(answers) >= 0.2
    assert p95([]) == float("inf")


def test_an_exchange_says_what_came() -> None:
    case = Case(kind="k", raw=request("GET", "/"))
    with answering(0, 503) as port:
        assert exchange(port, case).status == 503
    assert exchange(port, case).status == 0
