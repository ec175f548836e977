"""A reranker's results, back in the order of the passages that were sent."""

from collections.abc import Iterable, Sequence
from typing import Final

from pydantic import AliasChoices, BaseModel, Field, FiniteFloat, TypeAdapter, ValidationError

from rag.errors import ModelResponseInvalid


class Result(BaseModel):
    """Cohere, Jina and vLLM say `relevance_score`, Bedrock `relevanceScore`, others `score`."""

    index: int
    score: FiniteFloat = Field(validation_alias=AliasChoices("relevance_score", "relevanceScore", "score"))


_RESULTS: Final = TypeAdapter(list[Result])


def scores_of(results: object, count: int) -> list[float]:
    """Raises ModelResponseInvalid where there is not one score for each of `count` passages."""
    try:
        parsed = _RESULTS.validate_python(results)
    except ValidationError as error:
        raise ModelResponseInvalid(f"The reranker's answer is not scores: {error}") from error
    if sorted(result.index for result in parsed) != list(range(count)):
        raise ModelResponseInvalid(f"The reranker gave {len(parsed)} scores for {count} passages")
    return [result.score for result in sorted(parsed, key=lambda result: result.index)]


def batches(texts: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    return (texts[start : start + size] for start in range(0, len(texts), size))


def sendable(text: str) -> str:
    """Rerankers refuse empty texts, and JSON has no lone surrogates."""
    return text.encode("utf-8", errors="replace").decode("utf-8").replace("\0", " ") or " "
