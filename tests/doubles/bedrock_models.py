"""What Bedrock's embedding models say to a request, with vectors in which similar texts are near."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final
from uuid import UUID

import numpy as np
import numpy.typing as npt
from pydantic_core import to_json

_Weights = npt.NDArray[np.float64]
_Positions = npt.NDArray[np.uint64]

_REFORMAT: Final = "please reformat your input and try again."
_WORD: Final = re.compile(r"\w+|[^\w\s]")
_TOKEN: Final = re.compile(r"\w{1,5}|[^\w\s]")
_LONGEST_SPELLED: Final = 64


class Invalid(Exception):
    """A ValidationException with its message."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`texts` are those that were embedded, and paid for."""

    body: bytes
    texts: Sequence[str]
    tokens: int
    headers: Mapping[str, str] = field(default_factory=dict)


def count_tokens(text: str) -> int:
    return len(_TOKEN.findall(text))


def titan(body: bytes) -> Answer:
    request = _object(body, required=["inputText"], known=["dimensions", "normalize", "embeddingTypes"])
    text, dimensions = request["inputText"], request.get("dimensions", 1024)
    _check_titan(text, dimensions)
    vector = to_json(vector_of(text, dimensions))
    tokens = count_tokens(text)
    return Answer(
        body=b'{"embedding":%b,"embeddingsByType":{"float":%b},"inputTextTokenCount":%d}'
        % (vector, vector, tokens),
        texts=[text],
        tokens=tokens,
    )


def _check_titan(text: str, dimensions: int) -> None:
    if dimensions not in (256, 512, 1024):
        raise Invalid(
            f"Malformed input request: #/dimensions: {dimensions} is not a valid enum value, {_REFORMAT}"
        )
    if not text.strip():
        raise Invalid(f"Malformed input request: expected minLength: 1, actual: 0, {_REFORMAT}")
    if len(text) > 50_000:
        raise Invalid(f"Malformed input request: expected maxLength: 50000, actual: {len(text)}, {_REFORMAT}")
    if (tokens := count_tokens(text)) > 8192:
        raise Invalid(
            "400 Bad Request: Too many input tokens. Max input tokens: 8192, "
            f"request input token count: {tokens} "
        )


def cohere_v3(body: bytes) -> Answer:
    request = _object(body, required=["texts", "input_type"], known=["truncate", "embedding_types", "images"])
    texts: list[str] = request["texts"]
    _check_cohere(request, truncations=("NONE", "START", "END"))
    for number, text in enumerate(texts):
        if len(text) > 2048:
            raise Invalid(
                f"Malformed input request: #/texts/{number}: expected maxLength: 2048, "
                f"actual: {len(text)}, {_REFORMAT}"
            )
    _check_tokens(texts, request, limit=512)
    return _cohere_answer(texts, 1024, typed="embedding_types" in request)


def cohere_v4(body: bytes) -> Answer:
    request = _object(
        body,
        required=["input_type"],
        known=["texts", "images", "inputs", "embedding_types", "output_dimension", "max_tokens", "truncate"],
    )
    texts: list[str] = request["texts"]
    _check_cohere(request, truncations=("NONE", "LEFT", "RIGHT"))
    dimensions = request.get("output_dimension", 1536)
    if dimensions not in (256, 512, 1024, 1536):
        raise Invalid(f"invalid output_dimension: {dimensions}")
    _check_tokens(texts, request, limit=128_000)
    return _cohere_answer(texts, dimensions, typed=True)


def _check_cohere(request: Mapping[str, Any], *, truncations: Sequence[str]) -> None:
    texts = request["texts"]
    if len(texts) > 96:
        raise Invalid(
            "Malformed input request: #/texts: expected maximum item count: 96, "
            f"found: {len(texts)}, {_REFORMAT}"
        )
    if not texts or not all(text.strip() for text in texts):
        raise Invalid("invalid request: texts must be non-empty strings")
    allowed = {
        "input_type": ("search_document", "search_query", "classification", "clustering"),
        "truncate": truncations,
    }
    for name, values in allowed.items():
        if request.get(name, values[0]) not in values:
            raise Invalid(
                f"Malformed input request: #/{name}: {request[name]} is not a valid enum value, {_REFORMAT}"
            )


def _check_tokens(texts: Sequence[str], request: Mapping[str, Any], *, limit: int) -> None:
    if request.get("truncate", "NONE") == "NONE" and any(count_tokens(text) > limit for text in texts):
        raise Invalid("Input is too long for requested model.")


def _cohere_answer(texts: Sequence[str], dimensions: int, *, typed: bool) -> Answer:
    vectors = [vector_of(text, dimensions) for text in texts]
    tokens = sum(map(count_tokens, texts))
    answer = {
        "id": str(UUID(bytes=_digest("".join(texts), 16))),
        "texts": [text.casefold() for text in texts],
        "embeddings": {"float": vectors} if typed else vectors,
        "response_type": "embeddings_by_type" if typed else "embeddings_floats",
    }
    return Answer(body=to_json(answer), texts=texts, tokens=tokens)


EMBEDDING_MODELS: Final[Mapping[str, Callable[[bytes], Answer]]] = {
    "amazon.titan-embed-text-v2:0": titan,
    "cohere.embed-multilingual-v3": cohere_v3,
    "cohere.embed-v4:0": cohere_v4,
}


def _object(body: bytes, *, required: Sequence[str], known: Sequence[str]) -> dict[str, Any]:
    try:
        request: dict[str, Any] = json.loads(body)
    except ValueError as error:
        raise Invalid(f"Malformed input request, {_REFORMAT}") from error
    wrong = [f"#: required key [{name}] not found" for name in required if name not in request]
    wrong += [
        f"#: extraneous key [{name}] is not permitted" for name in request if name not in {*required, *known}
    ]
    if wrong:
        raise Invalid(f"Malformed input request: {''.join(wrong)}, {_REFORMAT}")
    return request


def vector_of(text: str, dimensions: int) -> list[float]:
    """A bag of words and of their letters in threes, hashed; unit length."""
    features = [_spelled(word) for word in _WORD.findall(text.casefold())[:4096]] or [_spelled(" ")]
    positions = np.concatenate([feature[0] for feature in features])
    weights = np.concatenate([feature[1] for feature in features])
    bag = np.bincount((positions % dimensions).astype(np.intp), weights, minlength=dimensions)
    # Every component has its decimals, as a real embedding's: they are what a client spends its time on.
    vector = bag.astype(np.float64) + 0.01 * np.cos(np.arange(dimensions))
    unit: list[float] = (vector / np.linalg.norm(vector)).tolist()
    return unit


@lru_cache(maxsize=20_000)
def _spelled(word: str) -> tuple[_Positions, _Weights]:
    short = f"^{word[:_LONGEST_SPELLED]}$"
    threes = [short[start : start + 3] for start in range(len(short) - 2)]
    digests = [_digest(word, 32), *(_digest(three, 8) for three in threes)]
    numbers = np.frombuffer(b"".join(digests), dtype=np.uint32).astype(np.uint64)
    signs = 1.0 - 2.0 * (numbers >> np.uint64(31)).astype(np.float64)
    signs[8:] *= 0.3
    return numbers, signs


def _digest(text: str, size: int) -> bytes:
    return blake2b(text.encode("utf-8", "replace"), digest_size=size).digest()
