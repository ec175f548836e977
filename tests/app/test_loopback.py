"""What a browser sends to this machine for another site is refused."""

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from app.loopback import LoopbackGuard


async def hello(_request: object) -> PlainTextResponse:
    return PlainTextResponse("hello")


@pytest.fixture
def client() -> TestClient:
    app = Starlette(routes=[Route("/", hello, methods=["GET", "POST"])])
    app.add_middleware(LoopbackGuard, origins=["https://app.example.com"])
    return TestClient(app, base_url="http://127.0.0.1:8000")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "localhost:8000"},
        {"Host": "[::1]:8000"},
        {"Host": "localhost:8000", "Origin": "http://localhost:8000"},
        {"Origin": "https://app.example.com"},
    ],
)
def test_this_machine_and_named_origins_pass(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/", headers=headers).text == "hello"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:5173"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Host": "localhost:8000", "Origin": "http://127.0.0.1:8000"},
        {"Origin": "http://localhost.evil.example"},
        {"Host": "evil.example"},
        {"Host": ""},
        {"Host": "[::1"},
    ],
)
def test_everything_else_is_refused_with_a_reason(client: TestClient, headers: dict[str, str]) -> None:
    response = client.post("/", headers=headers)
    assert response.status_code == 403
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "origin_not_allowed"
    assert response.json()["request_id"] == response.headers["X-Request-Id"]
