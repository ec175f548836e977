"""Reranking by a server's `POST /rerank`: Cohere's and Jina's form, or Text Embeddings Inference's."""

from collections.abc import Callable, Sequence
from time import sleep
from typing import Any, Final, Protocol

import httpx
from pydantic_core import from_json

from rag.adapters.local.http_retry import send_with_retries
from rag.adapters.rerank_scores import batches, scores_of, sendable
from rag.domain.search import Passage
from rag.errors import ModelResponseInvalid, SettingInvalid

_TIMEOUT: Final = httpx.Timeout(30, connect=10)
_SHOWN: Final = 300
_SETTING_STATUSES: Final = {
    401: "the server wants an API key: set ACERVO_RERANKING_API_KEY",
    403: "the API key may not use this model: check ACERVO_RERANKING_API_KEY",
    404: "the server has no such address or model: check the base URL and the model",
}


class WireFormat(Protocol):
    @property
    def texts_per_call(self) -> int: ...

    def request(self, query: str, texts: Sequence[str]) -> dict[str, Any]: ...

    def results(self, answer: Any) -> object:
        """A list of indices and scores. Raises KeyError or TypeError where the answer has no such thing."""


class ModelDocuments:
    """Cohere, Jina, vLLM, llama.cpp, Infinity."""

    texts_per_call: Final = 1_000

    def __init__(self, model: str) -> None:
        self._model = model

    def request(self, query: str, texts: Sequence[str]) -> dict[str, Any]:
        return {"model": self._model, "query": query, "documents": texts, "top_n": len(texts)}

    def results(self, answer: Any) -> object:
        return answer["results"]


class QueryTexts:
    """Text Embeddings Inference, which serves one model; 32 texts are its own limit of a request."""

    texts_per_call: Final = 32

    def request(self, query: str, texts: Sequence[str]) -> dict[str, Any]:
        return {"query": query, "texts": texts, "truncate": True}

    def results(self, answer: Any) -> object:
        return answer


class HttpReranker:
    def __init__(
        self,
        base_url: str,
        model_id: str,
        wire: WireFormat,
        api_key: str | None = None,
        *,
        pause: Callable[[float], None] = sleep,
    ) -> None:
        if not base_url.startswith(("http://", "https://")):
            raise SettingInvalid(f"ACERVO_RERANKING: {base_url!r} is not an http:// or https:// address")
        self.model_id: Final = model_id
        self._url = base_url.rstrip("/") + "/rerank"
        self._wire = wire
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = httpx.Client(timeout=_TIMEOUT, headers=headers)
        self._pause = pause

    def rerank(self, query: str, passages: Sequence[Passage]) -> list[float]:
        texts = [sendable(passage.text) for passage in passages]
        groups = batches(texts, self._wire.texts_per_call)
        return [score for batch in groups for score in self._scores(query, batch)]

    def close(self) -> None:
        self._client.close()

    def _scores(self, query: str, texts: Sequence[str]) -> list[float]:
        request = self._wire.request(sendable(query), texts)
        response = send_with_retries(lambda: self._client.post(self._url, json=request), self._pause)
        _raise_for_status(response)
        try:
            results = self._wire.results(from_json(response.content))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelResponseInvalid(f"The reranker's answer is not scores: {error!r}") from error
        return scores_of(results, len(texts))


def _raise_for_status(response: httpx.Response) -> None:
    if response.is_success:
        return
    status, said = response.status_code, response.text[:_SHOWN]
    if status in _SETTING_STATUSES:
        raise SettingInvalid(f"ACERVO_RERANKING: {_SETTING_STATUSES[status]} (status {status}: {said})")
    raise ModelResponseInvalid(f"The reranking server refused the request with status {status}: {said}")
