"""The attack in its order: fairness, requests, files; health is watched throughout."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from tests.attack.cases import cases
from tests.attack.fairness import ratio
from tests.attack.files import File, hostile_files
from tests.attack.health import watched
from tests.attack.judge import Judge
from tests.attack.stateful import silent_sockets, uploads
from tests.attack.wire import Case, exchange, request
from tests.attack.world import LIBRARY, World, world
from tests.doubles.token_issuer import AUDIENCE, ISSUER, Issuer, token_issuer

_CONNECTIONS: Final = 8
_UNSETTLED: Final = frozenset({"pending", "processing"})
_FILES: Final = "files"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`every`: one of so many cases is sent. Seconds bound what a frozen server can cost."""

    every: int = 1
    others: int = 10
    rounds: int = 4
    round_seconds: float = 6.0
    request_seconds: float = 110.0
    file_seconds: float = 90.0


FULL: Final = Plan()
QUICK: Final = Plan(every=12, rounds=2, round_seconds=3.0, request_seconds=25.0, file_seconds=20.0)


@dataclass(kw_only=True)
class Result:
    requests: int = 0
    files: int = 0
    server_errors: int = 0
    slowest_healthz_ms: float = 0.0
    others_p95_ratio: float = 0.0
    leaks: int = 0
    slow: int = 0
    judge: Judge = field(default_factory=lambda: Judge(foreign=frozenset()))
    notes: list[str] = field(default_factory=list)

    @property
    def figures(self) -> dict[str, float]:
        names = ("requests", "files", "server_errors", "slowest_healthz_ms", "others_p95_ratio", "leaks")
        return {name: getattr(self, name) for name in names}

    @property
    def failures(self) -> list[str]:
        judged = {
            "server_errors": self.server_errors > 0,
            "leaks": self.leaks > 0,
            "slowest_healthz_ms": self.slowest_healthz_ms >= 1000,
            "others_p95_ratio": self.others_p95_ratio > 2,
            "answers over their limit": self.slow > 0,
            "what must be there in the end": self.judge.count("lost") > 0,
        }
        return [name for name, failed in judged.items() if failed]


def attack(plan: Plan, say: Callable[[str], None] = lambda _: None) -> Result:
    result = Result()
    with token_issuer() as issuer, world(others=plan.others, settings=_trusting(issuer)) as attacked:
        judge = Judge(foreign=attacked.foreign, machine=attacked.machine)
        with watched(attacked.port) as health:
            say("one attacker and nine ordinary clients")
            result.others_p95_ratio = round(
                ratio(attacked, judge, rounds=plan.rounds, seconds=plan.round_seconds), 2
            )
            say("requests")
            document = httpx.get(f"{attacked.url}/openapi.json", timeout=30).json()
            made = _chosen(cases(attacked, document), plan.every)
            sent = _send(attacked, judge, made, plan.request_seconds)
            result.notes.append(f"{sent} of {len(made)} hostile requests sent")
            say("uploads and silent sockets")
            uploads(attacked, judge)
            silent_sockets(attacked, judge)
            say("files")
            files = _chosen(hostile_files(), plan.every)
            result.files = _ingest(attacked, judge, files, plan.file_seconds, result.notes)
            _look_after_the_others(attacked, judge)
        result.notes.append(f"{health.samples} samples of /healthz, {health.silent} without an answer")
        result.slowest_healthz_ms = round(health.slowest_ms, 1)
    result.judge = judge
    result.requests = judge.requests
    result.server_errors, result.leaks = judge.count("server_error"), judge.count("leak")
    result.slow = judge.count("slow")
    return result


def _trusting(issuer: Issuer) -> dict[str, str]:
    return {
        "ACERVO_JWT_ISSUER": ISSUER,
        "ACERVO_JWT_AUDIENCE": AUDIENCE,
        "ACERVO_JWT_JWKS_URL": issuer.url,
    }


def _chosen(made: Sequence[Any], every: int) -> list[Any]:
    return list(made[::every])


def _send(attacked: World, judge: Judge, made: Sequence[Case], seconds: float) -> int:
    until = time.monotonic() + seconds

    def send(case: Case) -> bool:
        if time.monotonic() > until:
            return False
        answer = exchange(attacked.port, case)
        judge.look(case.kind, case.raw.decode("latin-1"), answer, limit=case.limit, refused=case.refused)
        return True

    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        sent = sum(pool.map(send, made))
    if sent < len(made):
        judge.note("slow", "all requests", f"{sent} of {len(made)} were answered in {seconds:g} s")
    return sent


def _ingest(attacked: World, judge: Judge, files: Sequence[File], seconds: float, notes: list[str]) -> int:
    create = request("POST", "/v1/collections", headers=attacked.mallory.headers, json_body={"name": _FILES})
    exchange(attacked.port, Case(kind="collection", raw=create))
    sent = _send(attacked, judge, [_upload(attacked, file) for file in files], seconds)
    documents = _settled(attacked, seconds)
    outcomes = Counter(
        document["status"] + ":" + (document.get("failure") or document.get("error") or {}).get("code", "")
        for document in documents
    )
    notes.append(f"files: {dict(outcomes)}")
    waiting = [document["key"] for document in documents if document["status"] in _UNSETTLED]
    if waiting:
        judge.note("slow", "documents", f"{len(waiting)} unread in {seconds:g} s, {waiting[:5]}")
    return sent


def _upload(attacked: World, file: File) -> Case:
    name = file.name.replace("\\", "\\\\").replace('"', "%22").encode()
    body = (
        b'--bnd\r\nContent-Disposition: form-data; name="file"; filename="'
        + name
        + b'"\r\nContent-Type: application/octet-stream\r\n\r\n'
        + file.body
        + b"\r\n--bnd--\r\n"
    )
    headers = {**attacked.mallory.headers, "Content-Type": "multipart/form-data; boundary=bnd"}
    path = f"/v1/collections/{_FILES}/documents"
    return Case(kind=f"file, {file.kind}", raw=request("POST", path, headers=headers, body=body), limit=10)


def _settled(attacked: World, seconds: float) -> list[dict[str, Any]]:
    """The documents, when none is unread any more or the time is over; none: the server is silent."""
    until = time.monotonic() + seconds
    found: list[dict[str, Any]] = []
    while time.monotonic() < until:
        try:
            found = _documents(attacked)
        except httpx.HTTPError as error:
            sys.stderr.write(f"the list of documents: {error!r}\n")
        else:
            if all(document["status"] not in _UNSETTLED for document in found):
                break
        time.sleep(0.5)
    return found


def _documents(attacked: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    with attacked.client(attacked.mallory) as client:
        while True:
            given: dict[str, Any] = {"limit": 100} | ({"cursor": cursor} if cursor else {})
            page = client.get(f"/v1/collections/{_FILES}/documents", params=given).raise_for_status().json()
            found += page["data"]
            cursor = page.get("next_cursor")
            if not cursor:
                return found


def _look_after_the_others(attacked: World, judge: Judge) -> None:
    """What belongs to the others is still there after all."""
    for victim in attacked.others:
        for path in (
            f"/v1/documents/{victim.ids['document_id']}",
            f"/v1/answers/{victim.ids['answer_id']}",
            f"/v1/conversations/{victim.ids['conversation_id']}",
            f"/v1/collections/{LIBRARY}",
        ):
            case = Case(kind="kept", raw=request("GET", path, headers=victim.headers))
            answer = exchange(attacked.port, case)
            if answer.status == -1:
                judge.note("slow", "the end", f"{path} is not answered after the attack")
                return
            if answer.status != 200:
                judge.note("lost", victim.name, f"{path} -> {answer.status}")
