"""A part of the hostile suite against a real server; `python -m tests.attack` is the whole of it."""

import pytest

from tests.attack.judge import told
from tests.attack.run import QUICK, attack


@pytest.mark.timeout(240)
def test_the_server_bears_an_attack() -> None:
    """Times are judged by the whole suite: machines that run tests are shared."""
    result = attack(QUICK)
    findings = [each for each in result.judge.findings if each.what != "slow"]
    assert not findings, "\n".join(told(findings))
    assert result.requests > 200
    assert result.files >= 20
