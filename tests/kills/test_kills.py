"""A part of the kill tests; `python -m tests.kills` is the whole matrix."""

import pytest

from tests.kills.matrix import cells, outcomes
from tests.kills.scene import verdict


@pytest.mark.timeout(240)
@pytest.mark.parametrize("cell", ["kill-server:ingest", "int-group:ingest", "kill-postgres:ingest"])
def test_nothing_is_lost(cell: str) -> None:
    (outcome,) = outcomes([cell])
    assert not outcome.skipped
    assert outcome.problems == ()
    assert outcome.accepted


def test_the_matrix_is_whole() -> None:
    assert len(cells()) == 27


def test_a_lost_a_failed_and_an_unfinished_document_are_seen() -> None:
    documents = [
        {"id": "a", "key": "a.md", "status": "ready"},
        {"id": "b", "key": "b.md", "status": "failed"},
        {"id": "c", "key": "c.md", "status": "pending"},
    ]
    told = verdict({"a", "b", "c", "d"}, documents)
    assert [line.partition(":")[0] for line in told] == ["lost", "healthy and failed", "not ready after 90 s"]
    assert verdict({"a"}, documents[:1]) == []
