"""Real boto3 on the way to the fake Bedrock server, found by the environment as in production."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from rag.adapters.bedrock.client import bedrock_runtime
from rag.adapters.bedrock.embedder import BedrockEmbedder
from rag.adapters.bedrock.limiter import Limiter
from tests.doubles.bedrock_server import BedrockServer


def environment(url: str) -> dict[str, str]:
    """What a process needs to take the server at `url` for Bedrock."""
    return {
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }


def bedrock_client(url: str, *, connections: int = 64) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(url).items():
            patch.setenv(name, value)
        return bedrock_runtime(connections=connections)


@contextmanager
def embedder_of(
    server: BedrockServer,
    model_id: str = "amazon.titan-embed-text-v2:0",
    *,
    dimensions: int | None = None,
    limiter: Limiter | None = None,
) -> Iterator[BedrockEmbedder]:
    limiter = limiter or Limiter()
    client = bedrock_client(server.url, connections=limiter.concurrency)
    with closing(
        BedrockEmbedder(model_id, dimensions=dimensions, limiter=limiter, client=client)
    ) as embedder:
        yield embedder
