"""A server on loopback that keeps Bedrock Runtime's contract, its quotas, and breaks on demand.

Embeddings, Converse, ConverseStream, CountTokens, guardrails; bedrock-agent-runtime's Rerank too.
A generative model's name is its behaviour: see `mock_names`.
As a process of its own: `python -m tests.doubles.bedrock_server --latency-ms 80 --requests-per-second 50`
prints its URL and serves until it is terminated.
"""

import argparse
import hashlib
import re
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ssl import SSLContext
from typing import Final
from urllib.parse import unquote, urlsplit

from tests.doubles import bedrock_guardrails
from tests.doubles.aws_http import Piece, Reply, Request, listening
from tests.doubles.aws_service import (
    AwsService,
    Behaviour,
    Statistics,
    Tokens,
    failure,
    throttling,
)
from tests.doubles.bedrock_converse import Conversations
from tests.doubles.bedrock_models import EMBEDDING_MODELS, Answer, Invalid
from tests.doubles.bedrock_rerank import rerank

__all__ = [
    "BedrockServer",
    "Behaviour",
    "Piece",
    "Reply",
    "Request",
    "Statistics",
    "Tokens",
    "bedrock_server",
    "failure",
    "throttling",
]

_GUARDRAIL: Final = re.compile(r"/guardrail/[^/]+/version/[^/]+/apply")
_UNKNOWN: Final = failure(404, "UnknownOperationException", "")


@dataclass(frozen=True, kw_only=True)
class BedrockServer:
    """`planned` replies are used up, one a request, before requests are answered truly; None is the truth.

    `embedded`: how often each text was embedded, by the sha256 of its UTF-8 in hexadecimal.
    """

    url: str
    behaviour: Behaviour
    planned: deque[Reply | None]
    embedded: Counter[str]
    requests: deque[Request]
    statistics: Statistics
    close_connections: Callable[[], None]

    def times_embedded(self, text: str) -> int:
        return self.embedded[_sha256(text)]


class _Bedrock(AwsService):
    """Routes a request by its path, like the service itself."""

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(behaviour)
        self.embedded: Counter[str] = Counter()
        self._conversations = Conversations(self.statistics, self.tokens_refused)

    def truth(self, request: Request) -> Reply:
        path = urlsplit(request.path).path  # a proxy is sent the whole URL
        try:
            return self._of_model(path, request.body) or self._of_others(path, request.body) or _UNKNOWN
        except Invalid as error:
            return failure(400, "ValidationException", str(error))
        except (KeyError, TypeError) as error:
            return failure(400, "SerializationException", f"The request has not the shape: {error!r}")

    def _of_model(self, path: str, body: bytes) -> Reply | None:
        _, _, rest = path.partition("/model/")
        model, _, action = unquote(rest).rpartition("/")
        match action:
            case "invoke":
                return self._invoke(model, body)
            case "converse" | "converse-stream":
                stream = action == "converse-stream"
                return self.request_refused() or self._conversations.converse(model, body, stream=stream)
            case "count-tokens":
                return self.request_refused() or self._conversations.count_tokens(model, body)
        return None

    def _of_others(self, path: str, body: bytes) -> Reply | None:
        if path == "/rerank":
            return self.request_refused() or rerank(body)
        if path == "/guardrail-checks/invoke":
            return self.request_refused() or bedrock_guardrails.checks(body)
        if _GUARDRAIL.fullmatch(path):
            return self.request_refused() or bedrock_guardrails.apply(body)
        return None

    def _invoke(self, model: str, body: bytes) -> Reply:
        if model not in EMBEDDING_MODELS:
            raise Invalid("The provided model identifier is invalid.")
        return self.request_refused() or self._embedded(EMBEDDING_MODELS[model](body))

    def _embedded(self, answer: Answer) -> Reply:
        if refused := self.tokens_refused(answer.tokens):
            return refused
        self.embedded.update(map(_sha256, answer.texts))
        return Reply(body=answer.body, headers={"X-Amzn-Bedrock-Input-Token-Count": str(answer.tokens)})


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def bedrock_server(
    behaviour: Behaviour | None = None, *, port: int = 0, tls: SSLContext | None = None
) -> Iterator[BedrockServer]:
    """In a thread of this process."""
    service = _Bedrock(behaviour or Behaviour())
    with listening(service, name="bedrock-server", port=port, tls=tls) as server:
        yield BedrockServer(
            url=server.url,
            behaviour=service.behaviour,
            planned=service.planned,
            embedded=service.embedded,
            requests=service.requests,
            statistics=service.statistics,
            close_connections=server.close_connections,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--requests-per-second", type=float)
    parser.add_argument("--tokens-per-second", type=float)
    parser.add_argument("--retry-after")
    arguments = parser.parse_args()
    behaviour = Behaviour(
        latency=arguments.latency_ms / 1000,
        requests_per_second=arguments.requests_per_second,
        tokens_per_second=arguments.tokens_per_second,
        retry_after=arguments.retry_after,
    )
    with bedrock_server(behaviour, port=arguments.port) as server:
        print(server.url, flush=True)  # noqa: T201 - what the starting process reads
        signal.pause()


if __name__ == "__main__":
    main()
