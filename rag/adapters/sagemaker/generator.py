"""A chat model on a SageMaker endpoint that speaks OpenAI's chat completions (vLLM, GPU or Neuron)."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from typing import Any, Final

from langchain_core.messages import convert_to_openai_messages
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rag.adapters.local.chat_completions import ChatChunk, generation_events, response_format
from rag.adapters.local.chat_messages import chat_messages
from rag.adapters.sagemaker.endpoint import Endpoint
from rag.domain.answers import GenerationEvent, GenerativeModel, Prompt, Usage
from rag.errors import ModelResponseInvalid, ModelUnavailable

_DATA: Final = b"data:"
_DONE: Final = b"[DONE]"


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Delta(_Part):
    content: str | None = None


class _Choice(_Part):
    delta: _Delta = _Delta()
    finish_reason: str | None = None


class _Usage(_Part):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Chunk(_Part):
    choices: list[_Choice] = Field(default_factory=list)
    usage: _Usage | None = None
    error: Any = None


class SageMakerGenerator:
    """`model` None: the one model that the endpoint serves, called by the endpoint's name."""

    def __init__(self, endpoint: Endpoint, *, model: str | None = None) -> None:
        self._endpoint = endpoint
        self._served = model
        self._id = model or endpoint.address

    @property
    def model(self) -> GenerativeModel:
        return GenerativeModel(id=self._id, generative=True)

    def generate(self, prompt: Prompt) -> Generator[GenerationEvent, None, None]:
        return generation_events(self._chunks(prompt), prompt)

    def close(self) -> None:
        self._endpoint.close()

    def _chunks(self, prompt: Prompt) -> Generator[ChatChunk, None, None]:
        with closing(self._endpoint.stream(self._request(prompt))) as parts:
            yield from map(_chunk, server_sent_data(parts))

    def _request(self, prompt: Prompt) -> dict[str, Any]:
        named = self._served if prompt.model in {None, self._id} else prompt.model
        return {
            # vLLM takes a request without a model's name for the model it serves.
            **({"model": named} if named else {}),
            "messages": convert_to_openai_messages(chat_messages(prompt)),
            "max_tokens": prompt.max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
            **response_format(prompt),
        }


def server_sent_data(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The data of each event but [DONE], however its bytes are split; every event is one line."""
    # Reading goes on after [DONE]: only a stream read to its end leaves its connection to the next one.
    for line in _lines(parts):
        if line.startswith(_DATA) and (data := line.removeprefix(_DATA).strip()) != _DONE:
            yield data


def _lines(parts: Iterable[bytes]) -> Iterator[bytes]:
    held = b""
    for part in parts:
        *lines, held = (held + part).split(b"\n")
        yield from lines
    yield held


def _chunk(data: bytes) -> ChatChunk:
    try:
        chunk = _Chunk.model_validate_json(data)
    except ValidationError as error:
        raise ModelResponseInvalid(f"The endpoint's stream is not of its contract: {error}") from error
    if chunk.error is not None:
        raise ModelUnavailable(f"The endpoint's model fails: {chunk.error}")
    choice = chunk.choices[0] if chunk.choices else _Choice()
    return ChatChunk(
        text=choice.delta.content or "", usage=_usage(chunk.usage), finish_reason=choice.finish_reason
    )


def _usage(counts: _Usage | None) -> Usage | None:
    """Without a cost: an endpoint costs by the hour."""
    if counts is None:
        return None
    return Usage(input_tokens=counts.prompt_tokens, output_tokens=counts.completion_tokens)
