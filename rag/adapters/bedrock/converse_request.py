"""A prompt as a request of Converse, in LangChain's terms."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from rag.adapters.bedrock.model_id import ModelId
from rag.adapters.bedrock.search_results import SearchResult
from rag.adapters.local.chat_messages import chat_messages
from rag.domain.answers import Prompt

# Below the model's minimum (1,024 to 4,096 tokens of Claude 4) Bedrock ignores the point:
# https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
_CACHE_POINT: Final = {"cachePoint": {"type": "default"}}


def messages(prompt: Prompt, model: ModelId, results: Sequence[SearchResult]) -> list[BaseMessage]:
    """The instructions, examples and earlier turns, then the search results and the input, or the input."""
    composed = _cited(prompt, results) if results else chat_messages(prompt)
    return [*_cached(composed)] if model.caches_prompts else composed


def parameters(prompt: Prompt) -> dict[str, Any]:
    """No sampling parameters: current Claude models refuse them."""
    kind = prompt.style.value if prompt.passages else "generation"
    return {
        # Quota is reserved on input and this.
        "max_tokens": prompt.max_tokens,
        "request_metadata": {"application": "acervo", "kind": kind},
        **({} if prompt.json_schema is None else {"output_config": _output_config(prompt.json_schema)}),
    }


def _cited(prompt: Prompt, results: Sequence[SearchResult]) -> list[BaseMessage]:
    *before, _ = chat_messages(replace(prompt, citing="", passages=()))
    return [*before, HumanMessage([*(result.block() for result in results), _text(prompt.input)])]


def _cached(composed: Sequence[BaseMessage]) -> Iterator[BaseMessage]:
    for message in composed:
        if isinstance(message, SystemMessage) and message.text.strip():
            yield SystemMessage([_text(message.text), _CACHE_POINT])
        else:
            yield message


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _output_config(schema: Mapping[str, Any]) -> dict[str, Any]:
    definition = {"name": "output", "schema": json.dumps(_closed(schema), ensure_ascii=False)}
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": definition}}}


def _closed(value: Any) -> Any:
    """Bedrock wants additionalProperties false; where a schema says otherwise, Bedrock shall refuse it."""
    if isinstance(value, Mapping):
        closed = {key: _closed(item) for key, item in value.items()}
        is_object = closed.get("type") == "object" and isinstance(closed.get("properties"), Mapping)
        return {"additionalProperties": False, **closed} if is_object else closed
    return [*map(_closed, value)] if isinstance(value, list | tuple) else value
