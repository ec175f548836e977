"""A server on loopback that keeps SageMaker Runtime's contract: chat, embedding and reranking endpoints.

An endpoint's name is its behaviour: `chat-`, `embed-` or `rerank-` and what `mock_names` knows.
"""

import re
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ssl import SSLContext
from typing import Final
from urllib.parse import unquote, urlsplit

from tests.doubles.aws_http import Reply, Request, listening
from tests.doubles.aws_service import AwsService, Behaviour, Statistics
from tests.doubles.mock_names import MockModel, endpoint_named
from tests.doubles.sagemaker_chat import chat
from tests.doubles.sagemaker_errors import ACCOUNT, container_error, sagemaker_failure
from tests.doubles.sagemaker_tei import embed, rerank

__all__ = ["Behaviour", "Reply", "SageMakerServer", "Statistics", "sagemaker_server"]

_MOST_BYTES: Final = 6 * 1024 * 1024
_PATH: Final = re.compile(r"/endpoints/([^/]+)/(invocations|invocations-response-stream)")
_NO_CAPACITY: Final = (
    "Inference Component has no capacity to process this request. ApplicationAutoScaling may be in-progress "
    "(if configured) or try to increase the capacity by invoking UpdateInferenceComponentRuntimeConfig API."
)


@dataclass(frozen=True, kw_only=True)
class SageMakerServer:
    """`planned` replies are used up, one a request, before requests are answered truly; None is the truth."""

    url: str
    behaviour: Behaviour
    planned: deque[Reply | None]
    requests: deque[Request]
    statistics: Statistics
    close_connections: Callable[[], None]


class _SageMaker(AwsService):
    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(behaviour)
        self._asked: Counter[str] = Counter()

    def truth(self, request: Request) -> Reply:
        found = _PATH.fullmatch(urlsplit(request.path).path)
        if found is None:
            return sagemaker_failure(404, "UnknownOperationException", "")
        name = unquote(found[1])
        if (endpoint := endpoint_named(name)) is None:
            message = f"Endpoint {name} of account {ACCOUNT} not found."
            return sagemaker_failure(400, "ValidationError", message)
        kind, model = endpoint
        stream = found[2] == "invocations-response-stream"
        refused = self._refused(model, request)
        return refused if refused is not None else self._served(kind, model, request.body, stream=stream)

    def _served(self, kind: str, model: MockModel, body: bytes, *, stream: bool) -> Reply:
        if kind == "chat":
            return chat(model, body, self.statistics.tokens_of(model.id), stream=stream)
        return embed(body) if kind == "embed" else rerank(body)

    def _refused(self, model: MockModel, request: Request) -> Reply | None:
        if _scope(request.headers) != "sagemaker":
            message = "Credential should be scoped to correct service: 'sagemaker'."
            return sagemaker_failure(403, "InvalidSignatureException", message)
        if len(request.body) > _MOST_BYTES:
            rule = f"Member must have length less than or equal to {_MOST_BYTES}"
            message = f"1 validation error detected: Value at 'body' failed to satisfy constraint: {rule}"
            return sagemaker_failure(400, "ValidationError", message)
        if self._is_up(model):
            return self.request_refused() or _by_behaviour(model)
        if model.behaviour == "asleep":
            return sagemaker_failure(400, "ValidationError", _NO_CAPACITY)
        message = "Model is not ready for inference. Wait and try your request again."
        return sagemaker_failure(429, "ModelNotReadyException", message, retry_after=model.retry_after)

    def _is_up(self, model: MockModel) -> bool:
        if model.behaviour not in ("asleep", "starting"):
            return True
        self._asked[model.id] += 1
        return model.wakes is not None and self._asked[model.id] > model.wakes


def _scope(headers: Mapping[str, str]) -> str:
    """The service that the request is signed for."""
    found = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request", headers.get("authorization", ""))
    return found[1] if found else ""


def _by_behaviour(model: MockModel) -> Reply | None:
    match model.behaviour:
        case "throttles":
            return sagemaker_failure(
                400, "ThrottlingException", "Rate exceeded", retry_after=model.retry_after
            )
        case "unavailable":
            message = "The service is unavailable. Try your call again."
            return sagemaker_failure(503, "ServiceUnavailable", message, retry_after=model.retry_after)
        case "overloaded":
            return container_error(429, {"error": "Model is overloaded", "error_type": "Overloaded"})
        case "broken":
            return container_error(500, {"error": "CUDA out of memory", "error_type": "Backend"})
    return None


@contextmanager
def sagemaker_server(
    behaviour: Behaviour | None = None, *, port: int = 0, tls: SSLContext | None = None
) -> Iterator[SageMakerServer]:
    """In a thread of this process."""
    service = _SageMaker(behaviour or Behaviour())
    with listening(service, name="sagemaker-server", port=port, tls=tls) as server:
        yield SageMakerServer(
            url=server.url,
            behaviour=service.behaviour,
            planned=service.planned,
            requests=service.requests,
            statistics=service.statistics,
            close_connections=server.close_connections,
        )
