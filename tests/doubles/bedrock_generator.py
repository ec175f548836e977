"""Real boto3 and LangChain on the way to the fake Bedrock server."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from rag.adapters.bedrock.generator import BedrockGenerator, Guardrail
from rag.adapters.bedrock.guardrail import BedrockGuard
from tests.doubles.bedrock_client import environment
from tests.doubles.bedrock_server import BedrockServer


@contextmanager
def generator_of(
    server: BedrockServer,
    model_id: str,
    *,
    guardrail: Guardrail | None = None,
    stall_seconds: float = 20,
    pause: Callable[[float], None] = lambda _: None,
) -> Iterator[BedrockGenerator]:
    with _environment(server):
        generator = BedrockGenerator(model_id, guardrail=guardrail, stall_seconds=stall_seconds, pause=pause)
    with closing(generator):
        yield generator


@contextmanager
def guard_of(server: BedrockServer, *, threshold: float = 0.5) -> Iterator[BedrockGuard]:
    with _environment(server):
        guard = BedrockGuard(threshold=threshold)
    with closing(guard):
        yield guard


@contextmanager
def _environment(server: BedrockServer) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(server.url).items():
            patch.setenv(name, value)
        yield
