"""A LangChain chat model behind any server that speaks OpenAI's chat completions."""

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import openai
from langchain_core.messages import AIMessageChunk
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from rag.adapters.local.chat_messages import chat_messages
from rag.adapters.local.marked_text import MarkedText, without_abstention
from rag.domain.answers import (
    Completed,
    GenerationEvent,
    GenerativeModel,
    Prompt,
    TextDelta,
    Usage,
)
from rag.errors import AcervoError, ModelResponseInvalid, ModelUnavailable, SettingInvalid, Throttled

TIMEOUT = httpx.Timeout(120, connect=10)
OPENAI_HOST = "api.openai.com"
_SHOWN = 300
_SETTING_STATUSES = {
    401: "the server wants an API key: set ACERVO_GENERATION_API_KEY",
    403: "the API key may not use this model: check ACERVO_GENERATION_API_KEY",
    404: "the server has no such address or model: check the base URL (it often ends in /v1) and the model",
}


class OpenAIChatGenerator:
    """Grounded prompts give text without markers and a claim for every marker."""

    def __init__(
        self, base_url: str, model: str, api_key: str | None = None, *, max_retries: int = 2
    ) -> None:
        if not base_url.startswith(("http://", "https://")):
            raise SettingInvalid(f"ACERVO_GENERATION: {base_url!r} is not an http:// or https:// address")
        self._model = model
        self._limit = _limit_name(base_url)
        self._chat = ChatOpenAI(
            base_url=base_url,
            model=model,
            # A client without a key would look for one in the environment; local servers need none.
            api_key=SecretStr(api_key or "none"),
            timeout=TIMEOUT,
            max_retries=max_retries,
            stream_usage=True,
            use_responses_api=False,
        )

    @property
    def model(self) -> GenerativeModel:
        return GenerativeModel(id=self._model, generative=True)

    def generate(self, prompt: Prompt) -> Iterator[GenerationEvent]:
        with closing(self._chunks(prompt)) as chunks:
            stream = _Stream(chunks)
            if prompt.passages:
                yield from _marked(stream)
            else:
                yield from (TextDelta(text=text) for text in stream.texts())
            yield stream.completed()

    def _chunks(self, prompt: Prompt) -> Generator[AIMessageChunk, None, None]:
        body: dict[str, Any] = {self._limit: prompt.max_tokens}
        if prompt.json_schema is not None:
            schema = {"name": "output", "schema": dict(prompt.json_schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        with _translated():
            # In extra_body both stay as they are: LangChain renames the limit, and leaves the stream
            # for another call where a response format is given (langchain-openai 1.7).
            yield from self._chat.stream(
                chat_messages(prompt), model=prompt.model or self._model, extra_body=body
            )


def _limit_name(base_url: str) -> str:
    """OpenAI refuses the old name for new models, other servers do not know the new one."""
    return "max_completion_tokens" if urlsplit(base_url).hostname == OPENAI_HOST else "max_tokens"


def _marked(stream: "_Stream") -> Iterator[GenerationEvent]:
    marked = MarkedText()
    for text in without_abstention(stream.texts()):
        yield from marked.feed(text)
    yield from marked.close()


class _Stream:
    """The chunks' texts, and what the last of them say about the whole."""

    def __init__(self, chunks: Iterator[AIMessageChunk]) -> None:
        self._chunks = chunks
        self._usage = Usage()
        self._finish_reason: str | None = None

    def texts(self) -> Iterator[str]:
        for chunk in self._chunks:
            self._finish_reason = chunk.response_metadata.get("finish_reason", self._finish_reason)
            if chunk.usage_metadata is not None:
                self._usage = Usage(
                    input_tokens=chunk.usage_metadata["input_tokens"],
                    output_tokens=chunk.usage_metadata["output_tokens"],
                )
            if text := str(chunk.text):
                yield text

    def completed(self) -> Completed:
        # An abstention is known before the stream's end; the rest is read for what it costs.
        for _ in self.texts():
            pass
        if self._finish_reason is None:
            raise ModelResponseInvalid("The model server ended its stream without saying why.")
        return Completed(
            usage=self._usage,
            refused=self._finish_reason == "content_filter",
            truncated=self._finish_reason == "length",
        )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except openai.RateLimitError as error:
        raise _throttled(error) from error
    except openai.APIStatusError as error:
        raise _refused(error) from error
    except (openai.APIError, httpx.TransportError) as error:
        raise ModelUnavailable(f"The model server does not answer: {str(error)[:_SHOWN]}") from error
    except ValueError as error:
        raise ModelResponseInvalid(f"The model server's stream is not of its contract: {error}") from error


def _throttled(error: openai.RateLimitError) -> Throttled:
    throttled = Throttled(f"The model's quota is used up for now: {_said(error)}")
    asked = error.response.headers.get("Retry-After", "")
    if asked.isdecimal():
        throttled.retry_after_seconds = int(asked)
    return throttled


def _refused(error: openai.APIStatusError) -> AcervoError:
    status = error.status_code
    if status in _SETTING_STATUSES:
        return SettingInvalid(f"ACERVO_GENERATION: {_SETTING_STATUSES[status]} ({_said(error)})")
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return ModelUnavailable(f"The model server fails: {_said(error)}")
    return ModelResponseInvalid(f"The model server refused the request: {_said(error)}")


def _said(error: openai.APIStatusError) -> str:
    return f"status {error.status_code}: {error.response.text[:_SHOWN]}"
