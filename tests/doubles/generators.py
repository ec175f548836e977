"""A generator that says what it is told to, and notices when it is left."""

from collections.abc import Iterator, Sequence

from rag.domain.answers import Claim, Completed, GenerationEvent, GenerativeModel, Prompt, TextDelta, Usage


class ScriptedGenerator:
    """Keeps the prompts that it got; `closed` counts the streams that ended, by themselves or not."""

    def __init__(self, *events: GenerationEvent, generative: bool = True) -> None:
        self._events = events
        self._generative = generative
        self.prompts: list[Prompt] = []
        self.closed = 0

    @property
    def model(self) -> GenerativeModel:
        return GenerativeModel(id="scripted", generative=self._generative)

    def generate(self, prompt: Prompt) -> Iterator[GenerationEvent]:
        self.prompts.append(prompt)
        try:
            yield from self._events
        finally:
            self.closed += 1


def script(sentences: Sequence[tuple[str, str]], *, passage: int = 0) -> list[GenerationEvent]:
    """Each sentence with the quote that is to prove it, and the end."""
    events: list[GenerationEvent] = []
    length = 0
    for sentence, quote in sentences:
        text = f" {sentence}" if events else sentence
        end = length + len(text)
        events += [
            TextDelta(text=text),
            Claim(start=end - len(sentence), end=end, passage=passage, quote=quote),
        ]
        length = end
    return [*events, Completed(usage=Usage(input_tokens=5, output_tokens=3))]
