"""How long searches take, alone and beside others, and how much of the right answer they give."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain

from bench.search_exact import Ranking

DEPTH = 10
# A question in, the numbers of the passages found out, best first.
Search = Callable[[str], Sequence[int]]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Of one question."""

    question: str
    found: Sequence[int]
    milliseconds: float


def timed(search: Search, question: str) -> Outcome:
    started = time.perf_counter()
    found = search(question)
    return Outcome(question=question, found=found, milliseconds=(time.perf_counter() - started) * 1000)


def in_turn(searches: Mapping[str, Search], questions: Sequence[str]) -> dict[str, list[Outcome]]:
    """Each question to all searches, so that what slows the machine slows them alike.

    Another one begins each time: the first brings a question's pages into the caches for the others. Every
    question is asked of all once before, which is not counted: after a start pages come from a disk, and
    hybrid search, which wants most of them, would wait for it the longest.
    """
    for search in searches.values():
        for question in questions:
            search(question)
    outcomes: dict[str, list[Outcome]] = {name: [] for name in searches}
    names = list(searches)
    for turn, question in enumerate(questions):
        first = turn % len(names)
        for name in (*names[first:], *names[:first]):
            outcomes[name].append(timed(searches[name], question))
    return outcomes


def at_once(search: Search, questions: Sequence[str], clients: int) -> dict[str, float]:
    """Each client asks all questions, beginning at another."""

    def ask(client: int) -> list[Outcome]:
        start = client * len(questions) // clients
        return [timed(search, question) for question in (*questions[start:], *questions[:start])]

    with ThreadPoolExecutor(clients) as executor:
        list(executor.map(search, questions[:clients]))
        started = time.perf_counter()
        outcomes = list(chain.from_iterable(executor.map(ask, range(clients))))
        seconds = time.perf_counter() - started
    return {**percentiles(outcomes), "per_second": round(len(outcomes) / seconds, 1)}


def percentiles(outcomes: Sequence[Outcome]) -> dict[str, float]:
    cuts = statistics.quantiles([outcome.milliseconds for outcome in outcomes], n=100, method="inclusive")
    return {"p50_ms": round(cuts[49], 2), "p95_ms": round(cuts[94], 2), "p99_ms": round(cuts[98], 2)}


def overlap(outcomes: Sequence[Outcome], right: Mapping[str, Ranking]) -> float:
    """The mean share of the right ten that were found."""
    shares = [right[outcome.question].overlap(outcome.found, DEPTH) for outcome in outcomes]
    return round(statistics.fmean(shares), 4)


def rows(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """How many passages came, in the mean and at least."""
    counts = [len(outcome.found) for outcome in outcomes]
    return {"rows": round(statistics.fmean(counts), 2), "rows_least": min(counts)}
