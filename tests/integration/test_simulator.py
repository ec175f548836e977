"""The write path under random schedules of events, deliveries and faults; and that the simulator can see."""

import logging
import os

import pytest

from rag.adapters.postgres.ledger import PostgresLedger
from tests.simulator.machine import machine
from tests.simulator.mutations import MUTATIONS, mutated_store
from tests.simulator.runner import LOGGERS, outcomes
from tests.simulator.simulation import Simulation

SCHEDULES = 100
# Schedules within which each mutation must be seen.
ENOUGH = 40


@pytest.mark.timeout(300)
def test_no_schedule_breaks_an_invariant() -> None:
    found = list(outcomes(SCHEDULES, jobs=os.cpu_count() or 1))
    assert [(outcome.seed, outcome.violations) for outcome in found if outcome.violations] == []
    assert len(found) == SCHEDULES
    assert sum(outcome.crashes for outcome in found) > SCHEDULES


@pytest.mark.parametrize(("mutation", "broken"), MUTATIONS.values(), ids=MUTATIONS.keys())
def test_a_mutation_is_seen(
    server: str,
    template: str,
    caplog: pytest.LogCaptureFixture,
    mutation: type[PostgresLedger],
    broken: frozenset[int],
) -> None:
    for name in LOGGERS:
        caplog.set_level(logging.CRITICAL, logger=name)
    with machine(server, template, make_store=mutated_store(mutation)) as own:
        found = (violation for seed in range(ENOUGH) for violation in Simulation(own, seed).run().violations)
        assert any(violation.invariant in broken for violation in found)
