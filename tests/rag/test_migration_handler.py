"""The custom resource's handler where the database is not there; the rest runs in tests/integration."""

import pytest

from rag.errors import DatabaseUnavailable, SettingInvalid
from rag.migration_handler import handler
from rag.telemetry import logger


@pytest.fixture(autouse=True)
def _logging_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("handlers", "level", "propagate"):
        monkeypatch.setattr(logger, name, getattr(logger, name))


class Context:
    """Time passes as the handler asks for it."""

    def __init__(self, *remaining_seconds: int) -> None:
        self._remaining = list(remaining_seconds)

    def get_remaining_time_in_millis(self) -> int:
        return self._remaining.pop(0) * 1000


def test_a_database_that_does_not_answer_fails_the_deployment_in_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://owner:secret@127.0.0.1:1/acervo")
    with pytest.raises(DatabaseUnavailable):
        handler({"RequestType": "Create"}, Context(31, 29))
    log = capsys.readouterr().err
    assert log.count("does not answer") == 1
    assert "secret" not in log


def test_deletion_needs_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://owner:secret@127.0.0.1:1/acervo")
    event = {"RequestType": "Delete", "PhysicalResourceId": "acervo-schema"}
    assert handler(event, Context())["PhysicalResourceId"] == "acervo-schema"


def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(SettingInvalid, match="DATABASE_URL"):
        handler({"RequestType": "Create"}, Context())
