"""Reranking through Bedrock: Amazon Rerank and Cohere Rerank."""

from collections.abc import Sequence
from functools import partial
from time import sleep
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from rag.adapters.bedrock.errors import translated
from rag.adapters.model_client import model_client
from rag.adapters.rerank_scores import batches, scores_of, sendable
from rag.adapters.retry import Pause, with_retries
from rag.domain.search import Passage

_READ_SECONDS: Final = 20
_SOURCES: Final = 1_000
_LONGEST_TEXT: Final = 32_000


class BedrockReranker:
    """`model_id` without a region: `amazon.rerank-v1:0`, `cohere.rerank-v3-5:0`. Reads 32,000 characters."""

    def __init__(self, model_id: str, *, client: Any | None = None, pause: Pause = sleep) -> None:
        self.model_id: Final = model_id
        self._client = client or model_client("bedrock-agent-runtime", "Bedrock", read_seconds=_READ_SECONDS)
        self._pause = pause

    def rerank(self, query: str, passages: Sequence[Passage]) -> list[float]:
        texts = [_sendable(passage.text) for passage in passages]
        return [score for batch in batches(texts, _SOURCES) for score in self._scores(query, batch)]

    def close(self) -> None:
        self._client.close()

    def _scores(self, query: str, texts: Sequence[str]) -> list[float]:
        request, results = self._request(query, texts), list[Any]()
        while True:
            answer = with_retries(partial(self._send, request), self._pause)
            results += answer["results"]
            if (token := answer.get("nextToken")) is None:
                return scores_of(results, len(texts))
            request = {**request, "nextToken": token}

    def _request(self, query: str, texts: Sequence[str]) -> dict[str, Any]:
        where = self._client.meta
        arn = f"arn:{where.partition}:bedrock:{where.region_name}::foundation-model/{self.model_id}"
        model = {"modelConfiguration": {"modelArn": arn}, "numberOfResults": len(texts)}
        return {
            "queries": [{"type": "TEXT", "textQuery": {"text": _sendable(query)}}],
            "sources": [
                {
                    "type": "INLINE",
                    "inlineDocumentSource": {"type": "TEXT", "textDocument": {"text": text}},
                }
                for text in texts
            ],
            "rerankingConfiguration": {
                "type": "BEDROCK_RERANKING_MODEL",
                "bedrockRerankingConfiguration": model,
            },
        }

    def _send(self, request: dict[str, Any]) -> Any:
        try:
            return self._client.rerank(**request)
        except (BotoCoreError, ClientError) as error:
            if (failure := translated(error)) is None:
                raise
            raise failure from error


def _sendable(text: str) -> str:
    return sendable(text)[:_LONGEST_TEXT]
