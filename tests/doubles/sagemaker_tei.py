"""Text Embeddings Inference behind an endpoint: /embed and /rerank, both through invocations."""

import json
from typing import Any, Final

from pydantic_core import to_json

from tests.doubles.aws_http import Reply
from tests.doubles.bedrock_models import count_tokens, vector_of
from tests.doubles.bedrock_rerank import relevance
from tests.doubles.sagemaker_errors import container_error

DIMENSIONS: Final = 384
MOST_INPUTS: Final = 32
MOST_TOKENS: Final = 512


def embed(body: bytes) -> Reply:
    request = json.loads(body)
    inputs = request.get("inputs")
    texts = [inputs] if isinstance(inputs, str) else inputs
    if (refused := _refused(texts, truncate=request.get("truncate", False))) is not None:
        return refused
    return Reply(body=to_json([vector_of(text, DIMENSIONS) for text in texts]))


def rerank(body: bytes) -> Reply:
    """The best first; `index` counts the request's texts."""
    request = json.loads(body)
    texts = request.get("texts")
    if (refused := _refused(texts, truncate=request.get("truncate", False))) is not None:
        return refused
    ranks = [
        {"index": index, "score": relevance(request["query"], text)}
        | ({"text": text} if request.get("return_text") else {})
        for index, text in enumerate(texts)
    ]
    return Reply(body=to_json(sorted(ranks, key=lambda rank: -rank["score"])))


def _refused(texts: Any, *, truncate: bool) -> Reply | None:
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        return container_error(422, {"error": "Failed to deserialize the JSON body into the target type"})
    if not texts:
        return container_error(400, {"error": "`inputs` cannot be empty", "error_type": "Empty"})
    if len(texts) > MOST_INPUTS:
        error = f"batch size {len(texts)} > maximum allowed batch size {MOST_INPUTS}"
        return container_error(413, {"error": error, "error_type": "Validation"})
    longest = max(map(count_tokens, texts))
    if longest > MOST_TOKENS and not truncate:
        error = f"`inputs` must have less than {MOST_TOKENS} tokens. Given: {longest}"
        return container_error(413, {"error": error, "error_type": "Validation"})
    return None
