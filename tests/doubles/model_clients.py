"""Real boto3 on the way to fakes of AWS's model services, found by the environment as in production."""

from collections.abc import Callable
from typing import Any, Protocol

import pytest

from rag.adapters.model_client import model_client
from rag.adapters.sagemaker.endpoint import Endpoint
from tests.doubles.bedrock_client import environment

_VARIABLES = {
    "bedrock-agent-runtime": "AWS_ENDPOINT_URL_BEDROCK_AGENT_RUNTIME",
    "sagemaker-runtime": "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME",
    "textract": "AWS_ENDPOINT_URL_TEXTRACT",
}


class Listens(Protocol):
    @property
    def url(self) -> str: ...


def environment_of(server: Listens, service: str) -> dict[str, str]:
    """What a process needs to take the server for that service."""
    return {**environment(server.url), _VARIABLES[service]: server.url}


def client_of(server: Listens, service: str, *, read_seconds: float = 10.0) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment_of(server, service).items():
            patch.setenv(name, value)
        return model_client(service, service, read_seconds=read_seconds)


def _no_pause(_: float) -> None:
    pass


def endpoint_of(
    server: Listens,
    address: str,
    *,
    read_seconds: float = 10.0,
    pause: Callable[[float], None] = _no_pause,
) -> Endpoint:
    client = client_of(server, "sagemaker-runtime", read_seconds=read_seconds)
    return Endpoint(address, setting="ACERVO_TEST", client=client, pause=pause)
