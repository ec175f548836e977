"""Embeddings from any server that speaks OpenAI's `POST /embeddings`."""

import math
from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from time import sleep
from typing import Annotated, Final

import httpx
import numpy as np
from pydantic import BaseModel, Field, FiniteFloat, ValidationError

from rag.adapters.local.batches import stream_in_batches
from rag.adapters.local.http_retry import send_with_retries
from rag.adapters.local.vectors import unit_rows, well_formed
from rag.domain.content import Vector, VectorStream
from rag.domain.documents import EmbeddingModel
from rag.errors import ModelResponseInvalid, SettingInvalid

_BATCH: Final = 64
_CHARACTERS_PER_TOKEN: Final = 4
_TIMEOUT: Final = httpx.Timeout(60, connect=10)
_SHOWN: Final = 300
_SETTING_STATUSES: Final = {
    401: "the server wants an API key: set ACERVO_EMBEDDING_API_KEY",
    403: "the API key may not use this model: check ACERVO_EMBEDDING_API_KEY",
    404: "the server has no such address or model: check the base URL (it often ends in /v1) and model",
}


class _Item(BaseModel):
    index: int
    embedding: Annotated[list[FiniteFloat], Field(min_length=1)]


class _Response(BaseModel):
    data: list[_Item]


class OpenAIEmbedder:
    """`dimensions` None: learnt from the server, by embedding a word when `model` is first asked for.

    `semantic_weight` is to be measured with bench/ for the model at hand.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str | None = None,
        *,
        dimensions: int | None = None,
        semantic_weight: float = 0.5,
        max_tokens: int = 512,
        pause: Callable[[float], None] = sleep,
    ) -> None:
        self.max_tokens: Final = max_tokens
        self._url = _embeddings_url(base_url)
        self._name = model
        self._client = httpx.Client(timeout=_TIMEOUT, headers=_headers(api_key))
        self._dimensions = dimensions
        self._learning = Lock()
        self._semantic_weight = semantic_weight
        self._pause = pause

    @property
    def model(self) -> EmbeddingModel:
        return EmbeddingModel(
            id=self._name, dimensions=self._dimensions or len(self.embed_query("dimensions"))
        )

    @property
    def semantic_weight(self) -> float:
        return self._semantic_weight

    def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        batches = (texts[start : start + _BATCH] for start in range(0, len(texts), _BATCH))
        return [vector for batch in batches for vector in self._embed(batch)]

    def embed_stream(self, texts: Iterable[str]) -> VectorStream:
        return stream_in_batches(self.embed_documents, texts)

    def embed_query(self, text: str) -> Vector:
        return self._embed([text])[0]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """An estimate, one token for four characters: the protocol does not tell the tokenizer."""
        return [math.ceil(len(text) / _CHARACTERS_PER_TOKEN) for text in texts]

    def close(self) -> None:
        self._client.close()

    def _embed(self, texts: Sequence[str]) -> list[list[float]]:
        request = {"model": self._name, "input": [*map(_sendable, texts)], "encoding_format": "float"}
        response = send_with_retries(lambda: self._client.post(self._url, json=request), self._pause)
        _raise_for_status(response)
        embeddings = _embeddings(response.content, len(texts))
        self._check_dimensions(embeddings)
        return unit_rows(np.asarray(embeddings, dtype=np.float32))

    def _check_dimensions(self, embeddings: Sequence[Sequence[float]]) -> None:
        with self._learning:
            expected = self._dimensions or len(embeddings[0])
            for embedding in embeddings:
                if len(embedding) != expected:
                    raise ModelResponseInvalid(
                        f"The embedding model {self._name} gave {len(embedding)} dimensions, not {expected}"
                    )
            self._dimensions = expected


def _embeddings_url(base_url: str) -> str:
    if not base_url.startswith(("http://", "https://")):
        raise SettingInvalid(f"ACERVO_EMBEDDING: {base_url!r} is not an http:// or https:// address")
    return base_url.rstrip("/") + "/embeddings"


def _headers(api_key: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {api_key}"} if api_key else {}


def _sendable(text: str) -> str:
    """Servers refuse empty texts and NUL."""
    return well_formed(text).replace("\0", " ") or " "


def _raise_for_status(response: httpx.Response) -> None:
    if response.is_success:
        return
    status, said = response.status_code, response.text[:_SHOWN]
    if status in _SETTING_STATUSES:
        raise SettingInvalid(f"ACERVO_EMBEDDING: {_SETTING_STATUSES[status]} (status {status}: {said})")
    raise ModelResponseInvalid(f"The embedding server refused the request with status {status}: {said}")


def _embeddings(body: bytes, count: int) -> list[list[float]]:
    """The response's embeddings in the order of the request."""
    try:
        items = _Response.model_validate_json(body).data
    except ValidationError as error:
        raise ModelResponseInvalid(f"The embedding server's response is not embeddings: {error}") from error
    if sorted(item.index for item in items) != list(range(count)):
        raise ModelResponseInvalid(f"The embedding server gave {len(items)} embeddings for {count} texts")
    return [item.embedding for item in sorted(items, key=lambda item: item.index)]
