"""A database that crashes, hangs and has no connection left, while events and questions come in.

Each for a minute, and with the patience of the deployment: `python -m tests.outage`.
"""

from pathlib import Path

import pytest

from tests.outage.burst import Outage, run
from tests.outage.functions import Patience

SHORT = Patience(answer_seconds=0.5, patience=0.3, speed=100)


@pytest.mark.timeout(180)
def test_nothing_is_lost_and_everybody_is_told_to_come_again(tmp_path: Path) -> None:
    outages = [
        Outage(kind="restarted", seconds=0.3, at=0.1),
        Outage(kind="paused", seconds=1.0, at=0.3),
        Outage(kind="full", seconds=1.0, at=0.6),
    ]
    report = run(tmp_path, outages, patience=SHORT, events=500, documents=50, give_up_after=150)
    assert report.lost == []
    assert report.dead_letters == 0
    assert report.statuses().keys() == {200, 503}
    assert report.without_advice() == 0
    assert report.slowest() < 10
