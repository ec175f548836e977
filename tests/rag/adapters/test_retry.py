"""When a model is asked again."""

from collections.abc import Callable

import pytest

from rag.adapters.aws_errors import ModelTimedOut, QuotaUsedUp
from rag.adapters.retry import with_retries
from rag.errors import AcervoError, ModelResponseInvalid, ModelStarting, ModelUnavailable, Throttled


class Model:
    """Fails as planned, then answers."""

    def __init__(self, *failures: AcervoError) -> None:
        self._failures = list(failures)
        self.calls = 0
        self.pauses: list[float] = []

    def ask(self) -> str:
        return with_retries(self._answer, self.pauses.append)

    def _answer(self) -> str:
        self.calls += 1
        if self._failures:
            raise self._failures.pop(0)
        return "answer"


def test_an_answer_is_an_answer() -> None:
    model = Model()
    assert model.ask() == "answer"
    assert (model.calls, model.pauses) == (1, [])


@pytest.mark.parametrize("failure", [ModelUnavailable, Throttled])
def test_what_passes_is_waited_for(failure: Callable[[str], AcervoError]) -> None:
    model = Model(failure("now"), failure("now"))
    assert model.ask() == "answer"
    assert model.calls == 3
    assert 0 < model.pauses[0] <= 0.5 <= model.pauses[1] <= 1


def test_the_third_failure_is_raised() -> None:
    model = Model(*(ModelUnavailable(f"failure {number}") for number in range(9)))
    with pytest.raises(ModelUnavailable, match="failure 2"):
        model.ask()


def test_the_pause_is_the_one_asked_for() -> None:
    model = Model(QuotaUsedUp("", retry_after=3), QuotaUsedUp("", retry_after=0))
    assert model.ask() == "answer"
    assert model.pauses == [3, 0]


@pytest.mark.parametrize(
    "failure",
    [
        QuotaUsedUp("", retry_after=6),
        ModelStarting("asleep"),
        ModelTimedOut("silent"),
        ModelResponseInvalid("nonsense"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_what_does_not_pass_is_raised_at_once(failure: AcervoError) -> None:
    model = Model(failure)
    with pytest.raises(type(failure)):
        model.ask()
    assert (model.calls, model.pauses) == (1, [])
