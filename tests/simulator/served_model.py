"""The same faults by way of a server: the Bedrock adapter over HTTP, its limiter in a time of its own."""

from collections.abc import Callable, Sequence
from math import inf

from boto3.session import Session
from botocore.config import Config

from rag.adapters.bedrock.embedder import BedrockEmbedder
from rag.adapters.bedrock.limiter import Limiter
from rag.domain.content import Vector
from tests.doubles.bedrock_server import BedrockServer, Reply, failure, throttling
from tests.simulator.faults import Kind, Worker
from tests.simulator.model import SimulatedEmbedder, Till

MODEL_ID = "amazon.titan-embed-text-v2:0"
DIMENSIONS = 256

_REPLIES = {
    Kind.THROTTLED: throttling(),
    Kind.TIMEOUT: Reply(delay=inf),
    Kind.SERVER_ERROR: failure(500, "InternalServerException", "Something broke."),
    Kind.MALFORMED: Reply(body=b'{"embedding": [1, 2]}'),
}


class _Clock:
    """Waiting takes no time."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds


class ServedEmbedder(SimulatedEmbedder):
    """Titan's dimensions, at least; the tokens are counted as in the other."""

    def __init__(self, worker: Callable[[], Worker | None], till: Till, server: BedrockServer) -> None:
        super().__init__(worker, till)
        clock = _Clock()
        self._server = server
        self._adapter = BedrockEmbedder(
            MODEL_ID,
            dimensions=DIMENSIONS,
            limiter=Limiter(concurrency=2, clock=clock.now, sleep=clock.sleep),
            client=_client(server),
        )
        self.model = self._adapter.model

    def close(self) -> None:
        self._adapter.close()

    def _answer(self, texts: Sequence[str], fault: Kind | None) -> list[Vector]:
        reply = _REPLIES[fault] if fault else None
        # Throttled or broken until the adapter gives up: what it survives, its own tests look at.
        self._server.behaviour.fault = lambda _: reply
        try:
            return self._adapter.embed_documents(texts)
        finally:
            self._server.behaviour.fault = None


def _client(server: BedrockServer) -> object:
    return Session("test", "test", region_name="us-east-1").client(
        "bedrock-runtime",
        endpoint_url=server.url,
        config=Config(
            read_timeout=0.05,
            retries={"mode": "standard", "total_max_attempts": 1},
            max_pool_connections=4,
        ),
    )
