"""Generation through Bedrock's Converse: Claude cites passages by itself, other models by markers."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from time import sleep
from typing import Any, Final

from langchain_aws.chat_models.bedrock_converse import ChatBedrockConverse
from langchain_core.messages import AIMessageChunk

from rag.adapters.bedrock.cited_text import BlockChunk, cited_events
from rag.adapters.bedrock.converse_client import ConverseClient
from rag.adapters.bedrock.converse_errors import converse_errors
from rag.adapters.bedrock.converse_request import messages, parameters
from rag.adapters.bedrock.converse_stream import chunks_of
from rag.adapters.bedrock.model_id import parse_model_id
from rag.adapters.bedrock.search_results import SearchResult, search_results
from rag.adapters.local.chat_completions import ChunkStream, generation_events
from rag.adapters.model_client import model_client
from rag.adapters.retry import Pause, with_retries
from rag.domain.answers import GenerationEvent, GenerativeModel, Prompt
from rag.errors import SettingInvalid

# Streams at once; more than these open a connection each that is not kept.
_CONNECTIONS: Final = 128


@dataclass(frozen=True, kw_only=True)
class Guardrail:
    """Of Amazon Bedrock Guardrails, applied to the input and the output of each call."""

    id: str
    version: str

    @property
    def config(self) -> dict[str, str]:
        return {"guardrailIdentifier": self.id, "guardrailVersion": self.version}


class BedrockGenerator:
    """`model_id` may be an inference profile's; `stall_seconds`: how long the model may be silent."""

    def __init__(
        self,
        model_id: str,
        *,
        guardrail: Guardrail | None = None,
        stall_seconds: float = 60,
        client: Any | None = None,
        pause: Pause = sleep,
    ) -> None:
        if not model_id:
            raise SettingInvalid("ACERVO_GENERATION=bedrock:<model id> lacks the model id")
        self._id = model_id
        self._pause = pause
        self._client = ConverseClient(
            client
            or model_client(
                "bedrock-runtime", "Bedrock", read_seconds=stall_seconds, connections=_CONNECTIONS
            )
        )
        self._chat = ChatBedrockConverse(
            model=model_id,
            # Told, so that LangChain asks nobody which model an ARN stands for, and streams from models
            # that it does not know.
            base_model=parse_model_id(model_id).base,
            provider=parse_model_id(model_id).vendor,
            disable_streaming=False,
            client=self._client,
            bedrock_client=self._client,
            guardrails=guardrail.config if guardrail else None,
        )

    @property
    def model(self) -> GenerativeModel:
        return GenerativeModel(id=self._id, generative=True)

    def generate(self, prompt: Prompt) -> Generator[GenerationEvent, None, None]:
        """Throttled and failing calls are made again up to their first event, never after it."""
        model_id = prompt.model or self._id
        results = search_results(prompt.passages) if parse_model_id(model_id).cites else ()
        chunks = chunks_of(self._messages(prompt, model_id, results), model_id)
        return _cited(chunks, results) if results else generation_events(chunks, prompt)

    def close(self) -> None:
        self._client.close()

    def _messages(
        self, prompt: Prompt, model_id: str, results: tuple[SearchResult, ...]
    ) -> Generator[AIMessageChunk, None, None]:
        stream, first = with_retries(lambda: _begun(self._stream(prompt, model_id, results)), self._pause)
        with closing(stream):
            yield first
            yield from stream

    def _stream(
        self, prompt: Prompt, model_id: str, results: tuple[SearchResult, ...]
    ) -> Generator[AIMessageChunk, None, None]:
        model, named_by_caller = parse_model_id(model_id), model_id != self._id
        with converse_errors(model_id, named_by_caller=named_by_caller):
            yield from self._chat_with(model_id).stream(
                messages(prompt, model, results), **parameters(prompt)
            )

    def _chat_with(self, model_id: str) -> ChatBedrockConverse:
        if model_id == self._id:
            return self._chat
        model = parse_model_id(model_id)
        return self._chat.model_copy(
            update={"model_id": model_id, "base_model_id": model.base, "provider": model.vendor}
        )


def _begun(
    stream: Generator[AIMessageChunk, None, None],
) -> tuple[Generator[AIMessageChunk, None, None], AIMessageChunk]:
    return stream, next(stream)


def _cited(
    chunks: Generator[BlockChunk, None, None], results: tuple[SearchResult, ...]
) -> Generator[GenerationEvent, None, None]:
    with closing(chunks):
        stream = ChunkStream(chunks)
        yield from cited_events(stream, results)
        yield stream.completed()
