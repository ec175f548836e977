"""The stream of a Converse call: LangChain's messages as chunks, with usage, cost and why it ended."""

from collections.abc import Generator, Iterator, Mapping
from typing import Any, Final

from langchain_core.messages import AIMessageChunk
from langchain_core.messages.ai import UsageMetadata

from rag.adapters.bedrock.cited_text import BlockChunk
from rag.adapters.bedrock.errors import MalformedAnswer
from rag.adapters.bedrock.prices import Tokens, cost_usd
from rag.domain.answers import Usage
from rag.errors import ContextTooLong

_WINDOW_EXCEEDED: Final = "model_context_window_exceeded"
_FINISH_REASONS: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    _WINDOW_EXCEEDED: "length",
    "content_filtered": "content_filter",
    "guardrail_intervened": "content_filter",
}


def chunks_of(messages: Iterator[AIMessageChunk], model_id: str) -> Generator[BlockChunk, None, None]:
    """Raises ContextTooLong where the window was full before the first word, else MalformedAnswer."""
    said = False
    for message in messages:
        for chunk in _content(message):
            said = said or bool(chunk.text.strip())
            yield chunk
        if (reason := message.response_metadata.get("stopReason")) is not None:
            yield BlockChunk(finish_reason=_finish_reason(str(reason), model_id, said=said))
        if message.usage_metadata is not None:
            yield BlockChunk(usage=usage_of(message.usage_metadata, model_id))


def usage_of(counted: UsageMetadata, model_id: str) -> Usage:
    details: Mapping[str, Any] = counted.get("input_token_details") or {}
    read = details.get("cache_read", 0)
    # langchain-aws reports what was written under its time to live where Bedrock tells it.
    written = details.get("cache_creation", 0) + details.get("ephemeral_5m_input_tokens", 0)
    tokens = Tokens(
        input=counted["input_tokens"] - read - written,
        output=counted["output_tokens"],
        cache_read=read,
        cache_write=written,
    )
    return Usage(
        input_tokens=counted["input_tokens"],
        output_tokens=counted["output_tokens"],
        cost_usd=cost_usd(model_id, tokens),
    )


def window_exceeded(model_id: str) -> ContextTooLong:
    return ContextTooLong(
        f"Question, passages and conversation are longer than {model_id} reads: lower `top_k` or `neighbors`,"
        " begin a new conversation, or name a model with a larger context window."
    )


def _content(message: AIMessageChunk) -> Iterator[BlockChunk]:
    """An empty list stands for a block's end; reasoning is not shown."""
    if message.content == []:
        yield BlockChunk()
    for block in message.content:
        if isinstance(block, dict) and block.get("type") == "text":
            citation = next(iter(block.get("citations") or ()), None)
            yield BlockChunk(text=block["text"], block=block["index"], citation=citation)


def _finish_reason(reason: str, model_id: str, *, said: bool) -> str:
    if reason == _WINDOW_EXCEEDED and not said:
        raise window_exceeded(model_id)
    if reason not in _FINISH_REASONS:
        raise MalformedAnswer(f"{model_id} ended its answer with {reason}")
    return _FINISH_REASONS[reason]
