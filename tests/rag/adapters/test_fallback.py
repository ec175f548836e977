"""When another generator stands in."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from rag.adapters.fallback import FallbackGenerator
from rag.domain.answers import Completed, GenerationEvent, GenerativeModel, Prompt, TextDelta, Usage
from rag.errors import (
    AcervoError,
    ContextTooLong,
    ModelResponseInvalid,
    ModelStarting,
    ModelUnavailable,
    SettingInvalid,
    Throttled,
)
from tests.doubles.generators import ScriptedGenerator
from tests.doubles.passages import passage

GROUNDED = Prompt(instructions="Answer.", input="When?", passages=(passage("At noon."),), model="large")
PLAIN = Prompt(instructions="Count.", input="a b")
DONE = Completed(usage=Usage(input_tokens=1, output_tokens=1))
ANSWER: tuple[GenerationEvent, ...] = (TextDelta(text="At noon."), DONE)


class Failing:
    """Says what it is told to, then fails."""

    def __init__(self, failure: AcervoError, *events: GenerationEvent) -> None:
        self._failure = failure
        self._events = events

    @property
    def model(self) -> GenerativeModel:
        return GenerativeModel(id="failing", generative=True)

    def generate(self, prompt: Prompt) -> Iterator[GenerationEvent]:  # noqa: ARG002 - the port has it
        yield from self._events
        raise self._failure


def test_what_works_is_left_alone() -> None:
    primary, fallback = ScriptedGenerator(*ANSWER), ScriptedGenerator(*ANSWER)
    generator = FallbackGenerator(primary, fallback)
    assert list(generator.generate(GROUNDED)) == [*ANSWER]
    assert generator.model == primary.model
    assert primary.prompts == [GROUNDED]
    assert fallback.prompts == []


@pytest.mark.parametrize("failure", [ModelStarting, ModelUnavailable, Throttled])
def test_the_fallback_answers_and_is_named(failure: type[AcervoError]) -> None:
    events = list(
        FallbackGenerator(Failing(failure("not now")), ScriptedGenerator(*ANSWER)).generate(GROUNDED)
    )
    assert events == [TextDelta(text="At noon."), Completed(usage=DONE.usage, model="scripted")]


def test_the_primary_s_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    list(FallbackGenerator(Failing(ModelStarting("asleep")), ScriptedGenerator(*ANSWER)).generate(GROUNDED))
    assert "failing is unavailable (asleep); scripted answers instead" in caplog.text


def test_the_fallback_is_not_asked_for_the_primary_s_model() -> None:
    fallback = ScriptedGenerator(*ANSWER)
    list(FallbackGenerator(Failing(ModelStarting("asleep")), fallback).generate(GROUNDED))
    assert [prompt.model for prompt in fallback.prompts] == [None]


@pytest.mark.parametrize("failure", [ContextTooLong, ModelResponseInvalid, SettingInvalid])
def test_other_errors_are_the_answer(failure: type[AcervoError]) -> None:
    fallback = ScriptedGenerator(*ANSWER)
    with pytest.raises(failure):
        list(FallbackGenerator(Failing(failure("no")), fallback).generate(GROUNDED))
    assert fallback.prompts == []


def test_nobody_stands_in_once_something_was_said() -> None:
    fallback = ScriptedGenerator(*ANSWER)
    primary = Failing(ModelUnavailable("broke off"), TextDelta(text="At"))
    events = FallbackGenerator(primary, fallback).generate(GROUNDED)
    assert next(events) == TextDelta(text="At")
    with pytest.raises(ModelUnavailable, match="broke off"):
        next(events)
    assert fallback.prompts == []


def test_two_failures_are_told_together() -> None:
    generator = FallbackGenerator(Failing(ModelStarting("asleep")), Failing(Throttled("too much")))
    with pytest.raises(Throttled) as raised:
        list(generator.generate(GROUNDED))
    assert isinstance(raised.value.__cause__, ModelStarting)


def test_selecting_sentences_stands_in_for_grounded_prompts_alone() -> None:
    extractive = ScriptedGenerator(*ANSWER, generative=False)
    generator = FallbackGenerator(Failing(ModelStarting("asleep")), extractive)
    assert list(generator.generate(GROUNDED))[-1] == Completed(usage=DONE.usage, model="scripted")
    with pytest.raises(ModelStarting):
        list(generator.generate(PLAIN))


@pytest.mark.parametrize("asleep", [False, True])
def test_leaving_ends_the_stream_that_runs(asleep: bool) -> None:  # noqa: FBT001 - a parameter of the test
    speaking = ScriptedGenerator(*ANSWER)
    generator = (
        FallbackGenerator(Failing(ModelStarting("asleep")), speaking)
        if asleep
        else FallbackGenerator(speaking, ScriptedGenerator())
    )
    with closing(generator.generate(GROUNDED)) as events:
        next(events)
        assert speaking.closed == 0
    assert speaking.closed == 1
