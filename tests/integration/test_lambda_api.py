"""The API as API Gateway calls it: stages, request ids, bodies; by event and behind Lambda Web Adapter."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.api.gateway import Gateway
from app.api.main import create_app
from app.auth import Anonymous
from ingestion.worker import Worker
from rag.backends.local import LocalBackend
from rag.settings import ServerSettings
from tests.app.api.serving import ORIGIN, events_in, serving

mangum = pytest.importorskip("mangum", reason="mangum is not installed")

EVENTS = Path(__file__).parents[1] / "events" / "apigateway"
HTTP_ID, REST_ID = "JKJaXmPLvHcESHA", "b7f0b2f4-9d3c-4c57-8a75-6e1d0a1c2b3d"

Call = Callable[[Mapping[str, Any]], dict[str, Any]]


def recorded(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return event


def in_stage(event: dict[str, Any], stage: str) -> dict[str, Any]:
    """The recorded event as it would have come through a stage of that name."""
    old = event["requestContext"]["stage"]
    text = (
        json.dumps(event)
        .replace(f'"/{old}/', f'"/{stage}/')
        .replace(f'"stage": "{old}"', f'"stage": "{stage}"')
    )
    moved: dict[str, Any] = json.loads(text)
    return moved


def got(event: dict[str, Any], path: str) -> dict[str, Any]:
    """The recorded event as GET of another path."""
    text = json.dumps(event).replace("/v1/collections", path).replace("/healthz", path)
    moved: dict[str, Any] = json.loads(text.replace('"POST"', '"GET"'))
    return {**moved, "body": None}


@pytest.fixture
def application(backend: LocalBackend) -> Gateway:
    settings = ServerSettings(cors_origins=(ORIGIN,))
    app = create_app(backend, settings, max_document_bytes=1_000_000, anonymous=Anonymous.LOCAL)
    return Gateway(app, base_path="/library")


@pytest.fixture
def call(application: Gateway) -> Iterator[Call]:
    from app.lambda_handler import adapted  # noqa: PLC0415 - only where mangum is installed

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    adapter = adapted(application)
    context: Any = SimpleNamespace(aws_request_id="8a5b1c0e-4a0e-4f5e-9b0a-2f6d3c1b7e90")
    yield lambda event: adapter(dict(event), context)
    asyncio.set_event_loop(None)
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


@pytest.mark.parametrize("name", ["http-health", "http-health-named-stage", "rest-health"])
def test_recorded_events_of_both_gateways_are_answered(call: Call, name: str) -> None:
    response = call(recorded(name))
    assert (response["statusCode"], json.loads(response["body"])) == (200, {"status": "up"})
    assert response["isBase64Encoded"] is False


@pytest.mark.parametrize("stage", ["prod", "v1", "v1beta", "docs", "healthz"])
@pytest.mark.parametrize(
    "name",
    [
        "http-create-collection-named-stage",
        "http-format1-create-collection-named-stage",
        "rest-create-collection",
    ],
)
def test_clients_are_sent_back_through_the_stage(call: Call, name: str, stage: str) -> None:
    created = call(in_stage(recorded(name), stage))
    collection = json.loads(created["body"])["name"]
    assert created["statusCode"] == 201
    assert created["headers"]["location"] == f"/{stage}/v1/collections/{collection}"


@pytest.mark.parametrize("kind", ["http", "http-format1", "rest"])
def test_clients_are_sent_back_through_a_domain_of_ones_own(call: Call, kind: str) -> None:
    created = call(recorded(f"{kind}-create-collection-own-domain"))
    collection = json.loads(created["body"])["name"]
    assert (created["statusCode"], created["headers"]["location"]) == (
        201,
        f"/library/v1/collections/{collection}",
    )


def test_a_domain_that_lacks_the_base_path_is_served_too(call: Call) -> None:
    """A REST API's mapping may be of the whole domain."""
    event = recorded("rest-create-collection-own-domain")
    event["path"] = event["requestContext"]["path"] = "/v1/collections"
    assert call(event)["statusCode"] == 201


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("http-create-collection-named-stage", "/prod"),
        ("http-create-collection-own-domain", "/library"),
        ("http-format1-create-collection-named-stage", "/prod"),
        ("http-format1-create-collection-own-domain", "/library"),
        ("rest-create-collection", "/api"),
        ("rest-create-collection-own-domain", "/library"),
    ],
)
def test_the_documentation_names_what_clients_see(call: Call, name: str, seen: str) -> None:
    # Relative, so that the stage before the path stays before it.
    assert 'src="docs/start.js"' in call(got(recorded(name), "/docs"))["body"]
    document = json.loads(call(got(recorded(name), "/openapi.json"))["body"])
    assert document["servers"] == [{"url": seen}]
    assert "/v1/collections" in document["paths"]


def test_without_a_stage_the_documentation_names_no_server(call: Call) -> None:
    call(got(recorded("rest-create-collection"), "/openapi.json"))
    document = json.loads(call(got(recorded("http-health"), "/openapi.json"))["body"])
    assert "servers" not in document


@pytest.mark.parametrize(("name", "expected"), [("http-health", HTTP_ID), ("rest-health", REST_ID)])
def test_the_request_id_is_the_one_of_the_gateways_log(call: Call, name: str, expected: str) -> None:
    assert call(recorded(name))["headers"]["x-request-id"] == expected


@pytest.mark.parametrize("name", ["http-health", "rest-health"])
def test_a_clients_own_request_id_stands(call: Call, name: str) -> None:
    event = recorded(name)
    event["headers"]["X-Request-Id"] = "mine-1"
    event.get("multiValueHeaders", {})["X-Request-Id"] = ["mine-1"]
    assert call(event)["headers"]["x-request-id"] == "mine-1"


def test_problems_are_text(call: Call) -> None:
    response = call(recorded("rest-unknown-path"))
    assert (response["statusCode"], response["isBase64Encoded"]) == (404, False)
    problem = json.loads(response["body"])
    assert problem["request_id"] == REST_ID
    assert "/v1/nothing" in problem["detail"]


def test_bytes_travel_both_ways(call: Call, worker: Worker) -> None:
    content = "Não há taxa: o reembolso é pago em 30 dias.".encode("latin-1")
    event = recorded("rest-create-collection")
    collection = json.loads(call(event)["body"])["name"]
    body = {"key": "notas.txt", "content_base64": b64encode(content).decode()}
    event |= {"body": b64encode(json.dumps(body).encode()).decode(), "isBase64Encoded": True}
    accepted = call(_moved(event, f"/v1/collections/{collection}/documents"))
    assert accepted["statusCode"] == 202
    document = json.loads(accepted["body"])["id"]
    assert worker.work_once()
    returned = call(_moved(recorded("rest-health"), f"/v1/documents/{document}/content"))
    assert (returned["isBase64Encoded"], returned["body"]) == (True, b64encode(content).decode())


def _moved(event: dict[str, Any], path: str) -> dict[str, Any]:
    context = {**event["requestContext"], "path": f"/api{path}"}
    return {**event, "path": path, "requestContext": context}


def test_a_stream_comes_whole(call: Call) -> None:
    event = recorded("http-answer")
    event["body"] = json.dumps({"question": "Quando é pago o reembolso?", "stream": True})
    response = call(event)
    assert response["headers"]["content-type"].startswith("text/event-stream")
    assert events_in(response["body"])[-1] == "answer.completed"


@pytest.mark.parametrize("context", [None, "{", "[]", "null", "{}"])
def test_without_a_gateway_nothing_is_added(application: Gateway, context: str | None) -> None:
    with serving(application) as client:
        headers = {"x-amzn-request-context": context} if context else {}
        created = client.post("/v1/collections", json={"name": "plain"}, headers=headers)
    assert (created.status_code, created.headers["location"]) == (201, "/v1/collections/plain")
    assert created.headers["x-request-id"].startswith("req_")


def test_behind_the_web_adapter_stage_and_request_id_are_the_gateways(application: Gateway) -> None:
    context = recorded("rest-create-collection")["requestContext"]
    with serving(application) as client:
        headers = {"x-amzn-request-context": json.dumps(context)}
        created = client.post("/v1/collections", json={"name": "adapted"}, headers=headers)
    assert created.headers["location"] == "/api/v1/collections/adapted"
    assert created.headers["x-request-id"] == REST_ID
