"""Acervo as a retriever for LangChain: passages of a running server, with what a citation needs."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final, Literal
from weakref import finalize

import httpx
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field, SecretStr

from rag.errors import (
    AcervoError,
    Conflict,
    InvalidRequest,
    ModelResponseInvalid,
    NotFound,
    Unauthenticated,
    Unavailable,
)

_TIMEOUT: Final = httpx.Timeout(30, connect=5)
_ERRORS: Final[Mapping[int, type[AcervoError]]] = {
    401: Unauthenticated,
    403: Unauthenticated,
    404: NotFound,
    409: Conflict,
    422: InvalidRequest,
    429: Unavailable,
    503: Unavailable,
}


class AcervoRetriever(BaseRetriever):
    """`server` is the address of `acervo serve` or of a deployment, `k` how many passages are wanted.

    `filter` is the API's (README, HTTP). Any of these but `server` and `api_key` may be given to `invoke` for
    one question. A document's `metadata` has `document_id`, `key`, `title`, `version`, `collection`, `page`,
    `heading`, `start` and `end` (code points of the document's text), `language`, `score`, `scores` by leg
    and, as `metadata`, what the document was ingested with; its `id` is the chunk's. Raises Unavailable where
    the server does not answer, else the error of rag.errors that its answer stands for.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    server: str = "http://127.0.0.1:8000"
    api_key: SecretStr | None = None
    k: int = Field(default=10, ge=1, le=100)
    collections: list[str] | None = None
    mode: Literal["hybrid", "semantic", "keyword"] = "hybrid"
    filter: dict[str, Any] | None = None
    rerank: bool = False
    rerank_fallback: bool = False
    min_score: float | None = None
    neighbors: int = Field(default=0, ge=0, le=3)

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **changes: Any
    ) -> list[Document]:
        del run_manager
        options = {name: getattr(self, name) for name in _OPTIONS} | changes
        options["top_k"] = options.pop("k")
        body = {name: value for name, value in options.items() if value is not None}
        return [_document(passage) for passage in self._found({"query": query, **body})]

    def _found(self, body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        try:
            response = self._client.post("/v1/search", json=body)
        except httpx.TransportError as error:
            raise Unavailable(f"The server at {self.server} does not answer: {error}") from error
        if response.is_error:
            raise _error(response)
        try:
            passages: list[Mapping[str, Any]] = response.json()["data"]
        except (ValueError, KeyError, TypeError) as error:
            raise ModelResponseInvalid(f"{response.url} is not an Acervo server's answer.") from error
        return passages

    @cached_property
    def _client(self) -> httpx.Client:
        """Its connections are kept; they close when the retriever goes."""
        key = self.api_key.get_secret_value() if self.api_key else None
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        client = httpx.Client(base_url=self.server, headers=headers, timeout=_TIMEOUT)
        finalize(self, client.close)
        return client


_OPTIONS: Final = (
    "k",
    "collections",
    "mode",
    "filter",
    "rerank",
    "rerank_fallback",
    "min_score",
    "neighbors",
)


def _document(passage: Mapping[str, Any]) -> Document:
    document, locator = passage["document"], passage["locator"]
    return Document(
        id=passage["chunk_id"],
        page_content=passage["text"],
        metadata={
            "document_id": document["id"],
            **{name: document[name] for name in ("key", "title", "version", "collection", "metadata")},
            **{name: locator[name] for name in ("page", "heading", "start", "end")},
            **{name: passage[name] for name in ("language", "score", "scores")},
        },
    )


def _error(response: httpx.Response) -> AcervoError:
    kind = _ERRORS.get(response.status_code, AcervoError)
    try:
        detail = str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        detail = response.text[:300]
    return kind(f"{response.url} answered with status {response.status_code}: {detail}")
