"""The meter counts what models report, and hands their readers' leaving on to them."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

from app.metering import MeteredGenerator
from rag.domain.answers import Completed, GenerationEvent, GenerativeModel, Prompt, TextDelta, Usage

PROMPT = Prompt(instructions="", input="")


@dataclass(kw_only=True)
class Model:
    usage: Usage = field(default_factory=Usage)
    model: GenerativeModel = field(default=GenerativeModel(id="test", generative=True))
    ended: bool = False

    def generate(self, prompt: Prompt) -> Iterator[GenerationEvent]:
        del prompt
        try:
            yield TextDelta(text="a")
            yield Completed(usage=self.usage)
        finally:
            self.ended = True


def test_what_was_read_and_written_is_counted_together() -> None:
    counted: list[int] = []
    model = Model(usage=Usage(input_tokens=7, output_tokens=2))
    metered = MeteredGenerator(inner=model, count=counted.append)
    assert list(metered.generate(PROMPT)) == list(model.generate(PROMPT))
    assert counted == [9]


def test_nothing_is_counted_where_no_model_was_called() -> None:
    counted: list[int] = []
    list(MeteredGenerator(inner=Model(), count=counted.append).generate(PROMPT))
    assert counted == []


def test_a_reader_that_leaves_ends_the_model() -> None:
    counted: list[int] = []
    model = Model(usage=Usage(output_tokens=1))
    events = MeteredGenerator(inner=model, count=counted.append).generate(PROMPT)
    assert isinstance(events, Generator)
    next(events)
    events.close()
    assert model.ended
    assert counted == []
