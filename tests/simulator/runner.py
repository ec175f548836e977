"""`python -m tests.simulator`: many schedules in several processes, or one with its whole trace."""

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context

from tests.simulator.machine import database_server, machine, template_database
from tests.simulator.simulation import Outcome, Simulation

# Schedules that a process runs over one database.
_SHARE = 50
# They warn of every fault that the service survives.
LOGGERS = ("acervo", "psycopg", "psycopg.pool")


@dataclass(kw_only=True)
class Summary:
    schedules: int = 0
    events: int = 0
    crashes: int = 0
    violations: int = 0
    seconds: float = 0.0
    failed: list[int] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        self.schedules += 1
        self.events += outcome.events
        self.crashes += outcome.crashes
        self.violations += len(outcome.violations)
        if outcome.violations:
            self.failed.append(outcome.seed)

    def content(self) -> dict[str, float]:
        names = ("schedules", "events", "crashes", "violations", "seconds")
        return {name: getattr(self, name) for name in names}


def main() -> None:
    options = _options()
    started = time.perf_counter()
    summary = Summary()
    found = _replayed(options.seed) if options.seed is not None else outcomes(options.schedules, options.jobs)
    for outcome in found:
        summary.add(outcome)
        _progress(outcome, summary, of=options.schedules, started=started)
    summary.seconds = round(time.perf_counter() - started, 1)
    if options.json:
        _print(json.dumps(summary.content()))
    else:
        for name, value in summary.content().items():
            _print(f"{name:12}{value:>12,}")
    sys.exit(1 if summary.violations else 0)


def outcomes(schedules: int, jobs: int) -> Iterator[Outcome]:
    """Of the schedules with the seeds 0, 1, 2, …, as they end."""
    seeds = range(schedules)
    share = max(1, min(_SHARE, schedules // jobs))
    with (
        database_server() as server,
        template_database(server) as template,
        ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_silence) as pool,
    ):
        tasks = [
            pool.submit(_simulate, server, template, seeds[first : first + share])
            for first in range(0, schedules, share)
        ]
        for task in as_completed(tasks):
            yield from task.result()


def _silence() -> None:
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _simulate(server: str, template: str, seeds: Sequence[int]) -> list[Outcome]:
    with machine(server, template) as own:
        return [Simulation(own, seed).run() for seed in seeds]


def _replayed(seed: int) -> Iterator[Outcome]:
    with database_server() as server, template_database(server) as template, machine(server, template) as own:
        yield Simulation(own, seed, _print).run()


def _progress(outcome: Outcome, summary: Summary, *, of: int, started: float) -> None:
    for violation in outcome.violations:
        sys.stderr.write(
            f"seed {outcome.seed}: invariant {violation.invariant}: {violation.key}: {violation.seen}\n"
        )
    if summary.schedules % 100 == 0:
        seconds = time.perf_counter() - started
        sys.stderr.write(f"{summary.schedules} of {of} schedules in {seconds:.0f} s\n")


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    parser.add_argument("--schedules", type=int, default=100, help="how many, with the seeds 0, 1, 2, …")
    parser.add_argument("--seed", type=int, help="replay this schedule alone and print its trace")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (default: cores)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser.parse_args()
