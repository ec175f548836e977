"""The embedding models' wire formats: texts into a request's body, vectors out of the answer's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

Purpose = Literal["document", "query"]

_INPUT_TYPES: Final[Mapping[Purpose, str]] = {"document": "search_document", "query": "search_query"}


class WireFormat(Protocol):
    @property
    def texts_per_call(self) -> int: ...

    @property
    def longest_text(self) -> int:
        """Characters that the model accepts in a text; what is beyond is not embedded."""

    @property
    def max_tokens(self) -> int:
        """The longest text that is embedded whole, at four bytes a token."""

    def request(self, texts: Sequence[str], purpose: Purpose) -> Mapping[str, Any]: ...

    def embeddings(self, answer: Any) -> Any:
        """A list of vectors. Raises KeyError or TypeError where the answer has no such thing."""


@dataclass(frozen=True, kw_only=True)
class TitanTextV2:
    """docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html.

    Titan refuses more than 8,192 tokens and knows no purpose and no truncation.
    """

    dimensions: int
    texts_per_call: int = 1
    longest_text: int = 50_000
    # Of four bytes each: half of what Titan takes, for texts of shorter tokens are refused.
    max_tokens: int = 4_096

    def request(self, texts: Sequence[str], purpose: Purpose) -> Mapping[str, Any]:  # noqa: ARG002 - see above
        (text,) = texts
        return {
            "inputText": text,
            "dimensions": self.dimensions,
            "normalize": True,
            "embeddingTypes": ["float"],
        }

    def embeddings(self, answer: Any) -> Any:
        return [answer["embedding"]]


@dataclass(frozen=True, kw_only=True)
class CohereV3:
    """docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed-v3.html.

    Bedrock refuses longer texts than these characters before `truncate` is looked at; of shorter ones
    the model reads the first 512 tokens.
    """

    dimensions: int = 1024
    texts_per_call: int = 96
    longest_text: int = 2_048
    max_tokens: int = 512

    def request(self, texts: Sequence[str], purpose: Purpose) -> Mapping[str, Any]:
        return {
            "texts": texts,
            "input_type": _INPUT_TYPES[purpose],
            "embedding_types": ["float"],
            "truncate": "END",
        }

    def embeddings(self, answer: Any) -> Any:
        return _cohere_embeddings(answer)


@dataclass(frozen=True, kw_only=True)
class CohereV4:
    """docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed-v4.html.

    Of a text the model reads the first 128,000 tokens.
    """

    dimensions: int
    texts_per_call: int = 96
    longest_text: int = 512_000
    max_tokens: int = 128_000

    def request(self, texts: Sequence[str], purpose: Purpose) -> Mapping[str, Any]:
        return {
            "texts": texts,
            "input_type": _INPUT_TYPES[purpose],
            "embedding_types": ["float"],
            "output_dimension": self.dimensions,
            "truncate": "RIGHT",
        }

    def embeddings(self, answer: Any) -> Any:
        return _cohere_embeddings(answer)


def _cohere_embeddings(answer: Any) -> Any:
    """By type, or a plain list: both are seen, whatever was asked for (langchain-aws issue 680)."""
    embeddings = answer["embeddings"]
    return embeddings if isinstance(embeddings, list) else embeddings["float"]


@dataclass(frozen=True, kw_only=True)
class EmbeddingModelFamily:
    """`dimensions` that the model offers, its own default first."""

    dimensions: tuple[int, ...]
    wire: Callable[[int], WireFormat]


MODELS: Final[Mapping[str, EmbeddingModelFamily]] = {
    "amazon.titan-embed-text-v2:0": EmbeddingModelFamily(
        dimensions=(1024, 512, 256), wire=lambda dimensions: TitanTextV2(dimensions=dimensions)
    ),
    "cohere.embed-v4:0": EmbeddingModelFamily(
        dimensions=(1536, 1024, 512, 256), wire=lambda dimensions: CohereV4(dimensions=dimensions)
    ),
    "cohere.embed-multilingual-v3": EmbeddingModelFamily(
        dimensions=(1024,), wire=lambda dimensions: CohereV3(dimensions=dimensions)
    ),
}
