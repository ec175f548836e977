"""OpenAI's chat completions: what a prompt asks for beside its messages, and a stream's chunks as events."""

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from rag.adapters.local.marked_text import MarkedText, without_abstention
from rag.domain.answers import Completed, GenerationEvent, Prompt, TextDelta, Usage
from rag.errors import ContextTooLong, ModelResponseInvalid

# How OpenAI, vLLM, llama.cpp and Text Generation Inference say that prompt and output are too long.
_TOO_LONG: Final = (
    "context_length_exceeded",
    "maximum context length",
    "max_model_len",
    "exceed_context_size",
    "exceeds the available context size",
    "`inputs` tokens + `max_new_tokens` must be",
)


@dataclass(frozen=True, kw_only=True)
class ChatChunk:
    text: str = ""
    usage: Usage | None = None
    finish_reason: str | None = None


Chunk = TypeVar("Chunk", bound=ChatChunk)


def response_format(prompt: Prompt) -> dict[str, Any]:
    """The request's fields that ask for output of the prompt's schema; none without one."""
    if prompt.json_schema is None:
        return {}
    schema = {"name": "output", "schema": dict(prompt.json_schema)}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def context_too_long(said: str) -> ContextTooLong | None:
    """The error that a server's refusal means; None: it refused for another reason."""
    if not any(words in said for words in _TOO_LONG):
        return None
    return ContextTooLong(
        "The passages and the question are longer than the model reads: lower `top_k` or `max_tokens`,"
        " or use a model with a larger context."
    )


def generation_events(
    chunks: Generator[ChatChunk, None, None], prompt: Prompt
) -> Generator[GenerationEvent, None, None]:
    """Grounded prompts give text without markers and a claim for every marker."""
    with closing(chunks):
        stream = ChunkStream(chunks)
        if prompt.passages:
            yield from _marked(stream.texts())
        else:
            yield from (TextDelta(text=text) for text in stream.texts())
        yield stream.completed()


def _marked(texts: Iterator[str]) -> Iterator[GenerationEvent]:
    marked = MarkedText()
    for text in without_abstention(texts):
        yield from marked.feed(text)
    yield from marked.close()


class ChunkStream(Generic[Chunk]):
    """The chunks as they come, and what the last of them say about the whole."""

    def __init__(self, chunks: Iterator[Chunk]) -> None:
        self._chunks = chunks
        self._usage = Usage()
        self._finish_reason: str | None = None

    def __iter__(self) -> Iterator[Chunk]:
        for chunk in self._chunks:
            self._finish_reason = chunk.finish_reason or self._finish_reason
            self._usage = chunk.usage or self._usage
            yield chunk

    def texts(self) -> Iterator[str]:
        return (chunk.text for chunk in self if chunk.text)

    def completed(self) -> Completed:
        # An abstention is known before the stream's end; the rest is read for what it costs.
        for _ in self:
            pass
        if self._finish_reason is None:
            raise ModelResponseInvalid("The model server ended its stream without saying why.")
        return Completed(
            usage=self._usage,
            refused=self._finish_reason == "content_filter",
            truncated=self._finish_reason == "length",
        )
