"""What nine ordinary clients feel of an attacker, beside ten ordinary ones, in turns in one run."""

import itertools
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

from tests.attack.clients import finished, p95, started
from tests.attack.filters import largest
from tests.attack.judge import Judge
from tests.attack.wire import Case, exchange, request
from tests.attack.world import LIBRARY, World

_CONNECTIONS: Final = 12


def worst(world: World) -> list[Case]:
    """What costs the server most of what one key may do."""
    headers = world.mallory.headers
    search: dict[str, Any] = {"query": "refunds " * 200, "collections": [LIBRARY], "top_k": 50}
    bodies: Sequence[tuple[str, dict[str, Any]]] = (
        ("/v1/search", {**search, "filter": largest()}),
        ("/v1/search/explain", {**search, "document": "library/policy-0.md", "filter": largest()}),
        ("/v1/answers", {"question": "When? " * 300, "top_k": 20, "filter": largest()}),
        ("/v1/search", {**search, "query": "." * 1_900 + "x"}),
        ("/v1/answers", {"question": "When are refunds paid?", "top_k": 20}),
        (
            f"/v1/collections/{LIBRARY}/documents",
            {"key": "dots.txt", "text": "\n\n".join(["Refunds are paid. " + "." * 1_000 + "x"] * 5)},
        ),
    )
    return [
        Case(kind=f"worst {path}", raw=request("POST", path, headers=headers, json_body=body), limit=15)
        for path, body in bodies
    ]


def ratio(world: World, judge: Judge, *, rounds: int, seconds: float) -> float:
    """p95 of nine beside the attacker, divided by p95 of ten."""
    keys = [tenant.key for tenant in world.others]
    ten: list[list[float]] = []
    nine: list[list[float]] = []
    for _ in range(rounds):
        ten += finished(started(world.port, keys, seconds))
        nine += _beside_the_attacker(world, judge, keys[:-1], seconds)
    for name, answers in (("ten ordinary clients", ten), ("nine beside the attacker", nine)):
        _judge_ordinary(judge, name, answers)
    return p95(nine) / p95(ten) if ten and p95(ten) else float("inf")


def _judge_ordinary(judge: Judge, name: str, answers: Sequence[Sequence[float]]) -> None:
    judge.requests += len(answers)
    for status, seconds in answers:
        if status >= 500:
            judge.note("server_error", name, f"{status:.0f} in {seconds:.2f} s")
        if not status:
            judge.note("slow", name, f"no answer in {seconds:.2f} s")


def _beside_the_attacker(
    world: World, judge: Judge, keys: Sequence[str], seconds: float
) -> list[list[float]]:
    stop = threading.Event()
    cases = worst(world)
    attackers = [
        threading.Thread(target=_attack, args=(world, judge, cases[number % len(cases) :] + cases, stop))
        for number in range(_CONNECTIONS)
    ]
    for attacker in attackers:
        attacker.start()
    try:
        return finished(started(world.port, keys, seconds))
    finally:
        stop.set()
        for attacker in attackers:
            attacker.join()


def _attack(world: World, judge: Judge, cases: Sequence[Case], stop: threading.Event) -> None:
    for case in itertools.cycle(cases):
        if stop.is_set():
            return
        answer = exchange(world.port, case)
        judge.look(case.kind, case.raw.decode("latin-1"), answer, limit=case.limit)
        if answer.status == 429:
            time.sleep(
                0.05
            )  # what it is told costs it nothing; without a pause it measures only this machine
