"""A LangChain chat model behind any server that speaks OpenAI's chat completions."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import openai
from langchain_core.messages import AIMessageChunk
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from rag.adapters.local.chat_completions import (
    ChatChunk,
    context_too_long,
    generation_events,
    response_format,
)
from rag.adapters.local.chat_messages import chat_messages
from rag.adapters.local.interruptible_http import interruptible_client
from rag.domain.answers import GenerationEvent, GenerativeModel, Prompt, Usage
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
            http_client=interruptible_client(TIMEOUT),
            max_retries=max_retries,
            stream_usage=True,
            use_responses_api=False,
        )

    @property
    def model(self) -> GenerativeModel:
        return GenerativeModel(id=self._model, generative=True)

    def generate(self, prompt: Prompt) -> Iterator[GenerationEvent]:
        return generation_events(self._chunks(prompt), prompt)

    def _chunks(self, prompt: Prompt) -> Generator[ChatChunk, None, None]:
        body = {self._limit: prompt.max_tokens, **response_format(prompt)}
        with _translated():
            # In extra_body both stay as they are: LangChain renames the limit, and leaves the stream
            # for another call where a response format is given (langchain-openai 1.7).
            messages = self._chat.stream(
                chat_messages(prompt), model=prompt.model or self._model, extra_body=body
            )
            yield from map(_chunk, messages)


def _limit_name(base_url: str) -> str:
    """OpenAI refuses the old name for new models, other servers do not know the new one."""
    return "max_completion_tokens" if urlsplit(base_url).hostname == OPENAI_HOST else "max_tokens"


def _chunk(message: AIMessageChunk) -> ChatChunk:
    counts = message.usage_metadata
    usage = counts and Usage(input_tokens=counts["input_tokens"], output_tokens=counts["output_tokens"])
    return ChatChunk(
        text=str(message.text), usage=usage, finish_reason=message.response_metadata.get("finish_reason")
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
    refused = ModelResponseInvalid(f"The model server refused the request: {_said(error)}")
    return context_too_long(error.response.text) or refused


def _said(error: openai.APIStatusError) -> str:
    return f"status {error.status_code}: {error.response.text[:_SHOWN]}"
