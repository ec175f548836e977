"""What Bedrock refuses of a Converse request, in the words it refuses it with.

Wording: botocore's service model and messages quoted in public issues. Ours, for want of a quoted one:
what is said of searchResult blocks, of citations and of a schema together with citations.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from tests.doubles.bedrock_models import Invalid
from tests.doubles.mock_names import MockModel

_BLOCKS: Final = frozenset(
    {
        "audio",
        "cachePoint",
        "citationsContent",
        "document",
        "guardContent",
        "image",
        "reasoningContent",
        "searchResult",
        "text",
        "toolResult",
        "toolUse",
        "video",
    }
)
_SYSTEM_BLOCKS: Final = frozenset({"cachePoint", "guardContent", "text"})
_METADATA_VALUE: Final = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,\-.]{0,256}")
_MOST_METADATA: Final = 16
_MOST_CACHE_POINTS: Final = 4


def check_converse(request: Mapping[str, Any], model: MockModel) -> None:
    _check_messages(request.get("messages", []))
    _check_system(request.get("system", []))
    _check_inference(request.get("inferenceConfig", {}))
    _check_metadata(request.get("requestMetadata"))
    _check_sources([block for block in content_blocks(request) if "searchResult" in block], model)
    _check_cache_points(request)
    _check_output(request, model)
    if model.claude:
        _check_claude(request)


def content_blocks(request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for message in request.get("messages", []):
        yield from message["content"]


def schema_of(request: Mapping[str, Any]) -> str | None:
    text_format = request.get("outputConfig", {}).get("textFormat")
    return text_format["structure"]["jsonSchema"]["schema"] if text_format else None


def _constraint(where: str, rule: str) -> Invalid:
    return Invalid(f"1 validation error detected: Value at '{where}' failed to satisfy constraint: {rule}")


def _by_model(reason: str) -> Invalid:
    return Invalid(f"The model returned the following errors: {reason}")


def _check_messages(messages: Sequence[Mapping[str, Any]]) -> None:
    if not messages:
        raise Invalid("A conversation must have at least one message. Try again with at least one message.")
    if messages[0]["role"] != "user":
        raise Invalid(
            "A conversation must start with a user message. "
            "Try again with a conversation that starts with a user message."
        )
    roles = [message["role"] for message in messages]
    if any(role == following for role, following in pairwise(roles)):
        raise Invalid(
            "A conversation must alternate between user and assistant roles. "
            "Make sure the conversation alternates between user and assistant roles and try again."
        )
    for number, message in enumerate(messages):
        _check_content(f"messages.{number}", message)


def _check_content(where: str, message: Mapping[str, Any]) -> None:
    if message["role"] not in ("user", "assistant"):
        raise _constraint(f"{where}.role", "Member must satisfy enum value set: [user, assistant]")
    if not message["content"]:
        raise Invalid(
            f"The content field in the Message object at {where} is empty. "
            "Add a ContentBlock object to the content field and try again."
        )
    for number, block in enumerate(message["content"]):
        _check_block(f"{where}.content.{number}", "ContentBlock", block, _BLOCKS)


def _check_block(where: str, kind: str, block: Mapping[str, Any], known: frozenset[str]) -> None:
    if len(block) != 1 or not known.issuperset(block):
        raise _constraint(where, f"exactly one of {', '.join(sorted(known))} must be set")
    if not block.get("text", "text").strip():
        raise Invalid(
            f"The text field in the {kind} object at {where} is blank. "
            "Add text to the text field, and try again."
        )


def _check_system(system: Sequence[Mapping[str, Any]]) -> None:
    for number, block in enumerate(system):
        _check_block(f"system.{number}", "SystemContentBlock", block, _SYSTEM_BLOCKS)


def _check_inference(config: Mapping[str, Any]) -> None:
    if config.get("maxTokens", 1) < 1:
        raise _constraint("inferenceConfig.maxTokens", "Member must have value greater than or equal to 1")
    for name in ("temperature", "topP"):
        if not 0 <= config.get(name, 0) <= 1:
            raise _constraint(f"inferenceConfig.{name}", "Member must have value less than or equal to 1")


def _check_metadata(metadata: Mapping[str, str] | None) -> None:
    if metadata is None:
        return
    if not 1 <= len(metadata) <= _MOST_METADATA:
        raise _constraint(
            "requestMetadata", f"Member must have length less than or equal to {_MOST_METADATA}"
        )
    for text in (*metadata, *metadata.values()):
        if not _METADATA_VALUE.fullmatch(text):
            pattern = f"Member must satisfy regular expression pattern: {_METADATA_VALUE.pattern}"
            raise _constraint("requestMetadata", f"Map value must satisfy constraint: [{pattern}]")


def _check_sources(blocks: Sequence[Mapping[str, Any]], model: MockModel) -> None:
    results = [block["searchResult"] for block in blocks]
    for result in results:
        for name in ("source", "title", "content"):
            if name not in result:
                raise _constraint(f"messages.content.searchResult.{name}", "Member must not be null")
        if not result["content"] or not all(part["text"].strip() for part in result["content"]):
            raise _by_model("search_result.content: text content blocks must be non-empty")
    if results and not model.claude:
        raise Invalid("This model doesn't support the searchResult content block.")
    if len({result.get("citations", {}).get("enabled", False) for result in results}) > 1:
        raise _by_model("citations must be enabled for all search results and documents or for none")


def _check_cache_points(request: Mapping[str, Any]) -> None:
    blocks = [*request.get("system", []), *content_blocks(request)]
    points = [block["cachePoint"] for block in blocks if "cachePoint" in block]
    if any(point.get("type") != "default" for point in points):
        raise _constraint("cachePoint.type", "Member must satisfy enum value set: [default]")
    if len(points) > _MOST_CACHE_POINTS:
        raise _by_model(
            f"A maximum of {_MOST_CACHE_POINTS} blocks with cache_control may be provided. "
            f"Found {len(points)}."
        )


def _check_output(request: Mapping[str, Any], model: MockModel) -> None:
    written = schema_of(request)
    if written is None:
        return
    try:
        schema = json.loads(written)
    except ValueError as error:
        raise Invalid("The schema in outputConfig.textFormat is not valid JSON.") from error
    if model.claude:
        _check_closed(schema)
        if any(block["searchResult"].get("citations", {}).get("enabled") for block in _results(request)):
            raise _by_model("output_config.format: citations cannot be used together with a JSON schema")


def _results(request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [block for block in content_blocks(request) if "searchResult" in block]


def _check_closed(schema: Any) -> None:
    if isinstance(schema, list):
        for item in schema:
            _check_closed(item)
    if isinstance(schema, dict):
        if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
            raise _by_model(
                "output_config.format.schema: For 'object' type, "
                "'additionalProperties' must be explicitly set to false"
            )
        for value in schema.values():
            _check_closed(value)


def _check_claude(request: Mapping[str, Any]) -> None:
    config = request.get("inferenceConfig", {})
    for name, theirs in (("temperature", "temperature"), ("topP", "top_p")):
        if name in config:
            raise _by_model(f"`{theirs}` is deprecated for this model.")
    if request["messages"][-1]["role"] == "assistant":
        raise _by_model(
            "This model does not support assistant message prefill. "
            "The conversation must end with a user message."
        )
