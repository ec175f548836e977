"""Zero-shot and few-shot generation: no passages, no citations, a generative model only."""

import json
from collections.abc import Generator as Coroutine
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.ground import closing
from app.json_schema import check
from rag.domain.answers import Claim, Completed, Example, Prompt, TextDelta, Usage
from rag.errors import GenerativeModelRequired, ModelResponseInvalid
from rag.ports import Generator

INSTRUCTIONS = "Do what the input asks."


@dataclass(frozen=True, kw_only=True)
class CompletionRequest:
    """With `examples` few-shot, without zero-shot. `json_schema` asks for JSON output."""

    input: str
    instructions: str | None = None
    examples: tuple[Example, ...] = ()
    model: str | None = None
    max_tokens: int = 1024
    json_schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Completion:
    """`output` is the parsed JSON where a schema was given, else None.

    `fallback_from`: the model that was asked, where another one answered.
    """

    text: str
    model: str
    fallback_from: str | None = None
    refused: bool = False
    truncated: bool = False
    output: Any = None
    usage: Usage = field(default_factory=Usage)


def run(generator: Generator, request: CompletionRequest) -> Completion:
    """Raises GenerativeModelRequired and ModelResponseInvalid."""
    last: TextDelta | Completion | None = None
    for event in stream(generator, request):
        last = event
    if not isinstance(last, Completion):
        raise TypeError("a stream ends with its completion")
    return last


def stream(generator: Generator, request: CompletionRequest) -> Iterator[TextDelta | Completion]:
    """The deltas, then the completion; raises as `run` does."""
    _require_generative(generator)
    text, end = yield from written(generator, _prompt(request))
    yield _completion(generator, request, text, end)


def written(generator: Generator, prompt: Prompt) -> Coroutine[TextDelta, None, tuple[str, Completed]]:
    """The deltas; returns them joined, and the end. Raises ModelResponseInvalid where there is no end."""
    pieces: list[str] = []
    end: Completed | None = None
    with closing(generator.generate(prompt)) as events:
        for event in events:
            if isinstance(event, Completed):
                end = event
            elif not isinstance(event, Claim):
                pieces.append(event.text)
                yield event
    if end is None:
        raise ModelResponseInvalid("The model's output broke off before its end.")
    return "".join(pieces), end


def _prompt(request: CompletionRequest) -> Prompt:
    return Prompt(
        instructions=request.instructions or INSTRUCTIONS,
        input=request.input,
        examples=request.examples,
        model=request.model,
        max_tokens=request.max_tokens,
        json_schema=request.json_schema,
    )


def _completion(
    generator: Generator, request: CompletionRequest, text: str, completed: Completed
) -> Completion:
    asked, output = request.model or generator.model.id, None
    if not text.strip() and not completed.refused:
        raise ModelResponseInvalid("The model wrote nothing.")
    if request.json_schema is not None and not completed.refused:
        output = _parsed(text, request.json_schema, truncated=completed.truncated)
    return Completion(
        text=text,
        model=completed.model or asked,
        fallback_from=asked if completed.model else None,
        refused=completed.refused,
        truncated=completed.truncated,
        output=output,
        usage=completed.usage,
    )


def _parsed(text: str, schema: Mapping[str, Any], *, truncated: bool) -> Any:
    try:
        output = json.loads(text)
    except json.JSONDecodeError as error:
        hint = ": it was cut at max_tokens" if truncated else ""
        raise ModelResponseInvalid(f"The model's output is not JSON{hint}.") from error
    problem = check(output, schema)
    if problem is not None:
        raise ModelResponseInvalid(f"The model's output does not follow json_schema: {problem}.")
    return output


def _require_generative(generator: Generator) -> None:
    if not generator.model.generative:
        raise GenerativeModelRequired(
            "Generation needs a generative model, and this deployment selects sentences "
            f"({generator.model.id}). Set ACERVO_GENERATION to a model, for example "
            "ACERVO_GENERATION=openai:http://localhost:11434/v1#llama3.2 or "
            "ACERVO_GENERATION=bedrock:global.anthropic.claude-haiku-5-5."
        )
