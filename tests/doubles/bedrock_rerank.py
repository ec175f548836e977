"""Rerank of bedrock-agent-runtime: relevance by the words that query and document share."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from tests.doubles.aws_http import Reply
from tests.doubles.bedrock_models import Invalid

MODELS: Final = ("amazon.rerank-v1:0", "cohere.rerank-v3-5:0")
_MOST_SOURCES: Final = 1000
_LONGEST: Final = 32_000
_PAGE: Final = 100
_CONSTRAINT: Final = "1 validation error detected: Value at '{}' failed to satisfy constraint: {}"


def rerank(body: bytes) -> Reply:
    """Sorted by score; pages of a hundred, the next one under `nextToken`."""
    request = json.loads(body)
    query, texts = _checked(request)
    scored = sorted(enumerate(texts), key=lambda one: (-relevance(query, one[1]), one[0]))
    configuration = request["rerankingConfiguration"]["bedrockRerankingConfiguration"]
    scored = scored[: configuration.get("numberOfResults", len(texts))]
    start = int(request.get("nextToken", "0"))
    page = scored[start : start + _PAGE]
    answer: dict[str, Any] = {
        "results": [{"index": index, "relevanceScore": relevance(query, text)} for index, text in page]
    }
    if start + _PAGE < len(scored):
        answer["nextToken"] = str(start + _PAGE)
    return Reply(body=json.dumps(answer).encode())


def relevance(query: str, text: str) -> float:
    """The share of the query's words that the text has, between 0 and 1 and never quite either."""
    asked, said = _words(query), _words(text)
    shared = len(asked & said) / len(asked) if asked else 0.0
    return round(0.001 + 0.99 * shared + 0.008 / (1 + len(said)), 6)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))


def _checked(request: Mapping[str, Any]) -> tuple[str, list[str]]:
    queries, sources = request.get("queries", []), request.get("sources", [])
    if len(queries) != 1:
        raise Invalid(_CONSTRAINT.format("queries", "Member must have length less than or equal to 1"))
    if not 1 <= len(sources) <= _MOST_SOURCES:
        rule = f"Member must have length less than or equal to {_MOST_SOURCES}"
        raise Invalid(_CONSTRAINT.format("sources", rule))
    configuration = request["rerankingConfiguration"]["bedrockRerankingConfiguration"]
    arn = configuration["modelConfiguration"]["modelArn"]
    if arn.rpartition("/")[2] not in MODELS:
        raise Invalid("The provided model identifier is invalid.")
    if not 1 <= configuration.get("numberOfResults", 1) <= len(sources):
        raise Invalid("The number of results must not exceed the number of sources.")
    texts = [queries[0]["textQuery"]["text"], *map(_text, sources)]
    if not all(1 <= len(text) <= _LONGEST for text in texts):
        rule = f"Member must have length less than or equal to {_LONGEST}"
        raise Invalid(_CONSTRAINT.format("sources.inlineDocumentSource.textDocument.text", rule))
    return texts[0], texts[1:]


def _text(source: Mapping[str, Any]) -> str:
    document = source["inlineDocumentSource"]
    if document["type"] == "JSON":
        return json.dumps(document["jsonDocument"])
    text: str = document["textDocument"]["text"]
    return text
