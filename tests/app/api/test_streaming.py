"""What becomes of requests whose model, client or server does not do what it should, over HTTP."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import httpx
import pytest

from app.api.main import create_app
from app.api.model_calls import ModelCalls
from app.auth import Anonymous
from rag.adapters.local.openai_chat import OpenAIChatGenerator
from rag.settings import ServerSettings
from tests.app.api.serving import (
    MAX_DOCUMENT_BYTES,
    Api,
    Overlaid,
    events_in,
    problem_in,
    serving,
    serving_backend,
)
from tests.doubles.chat_server import API_KEY, ChatServer, chat_server

SILENT_STREAMS = 64


@pytest.fixture(scope="module")
def models() -> Iterator[ChatServer]:
    with chat_server() as running:
        yield running


@pytest.fixture(scope="module")
def handbook(api: Api) -> str:
    name = api.collection()
    text = "Customers get refunds within 30 days of purchase. Parcels leave the warehouse on Mondays."
    api.document(name, key="refunds.md", title="Refunds", text=text)
    return name


@contextmanager
def served(api: Api, models: ChatServer, model: str) -> Iterator[httpx.Client]:
    generator = OpenAIChatGenerator(models.base_url, model, API_KEY, max_retries=0)
    with serving_backend(Overlaid(base=api.backend, generator=generator)) as client:
        yield client


def bodies(handbook: str, *, stream: bool) -> dict[str, dict[str, Any]]:
    """One request for every operation that calls a model."""
    return {
        "/v1/answers": {
            "question": "When do customers get refunds?",
            "collections": [handbook],
            "stream": stream,
        },
        "/v1/summaries": {"collection": handbook, "stream": stream},
        "/v1/generations": {"input": "Say it.", "stream": stream},
    }


def last_data(text: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(text.rpartition("data: ")[2])
    return data


class Failure(NamedTuple):
    model: str
    status: int
    code: str


FAILURES = [
    Failure("throttles", 429, "throttled"),
    Failure("down", 503, "model_unavailable"),
    Failure("overflows", 422, "context_too_long"),
    Failure("breaks-off", 502, "model_response_invalid"),
    Failure("fails-midway", 503, "model_unavailable"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.model)
def test_a_failing_model_is_a_status(api: Api, models: ChatServer, handbook: str, failure: Failure) -> None:
    with served(api, models, failure.model) as client:
        for path, body in bodies(handbook, stream=False).items():
            response = client.post(path, json=body)
            problem_in(response, failure.status, failure.code)
            if failure.status == 429:
                assert response.headers["retry-after"] == "7"


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.model)
def test_in_a_stream_a_failing_model_is_the_last_event(
    api: Api, models: ChatServer, handbook: str, failure: Failure
) -> None:
    with served(api, models, failure.model) as client:
        for path in ("/v1/answers", "/v1/summaries"):
            response = client.post(path, json=bodies(handbook, stream=True)[path])
            names = events_in(response.text)
            assert (response.status_code, names[:2]) == (200, ["answer.created", "retrieval.completed"])
            assert names[-1] == "error"
            problem = last_data(response.text)
            assert (problem["status"], problem["code"]) == (failure.status, failure.code)
            assert problem["request_id"] == response.headers["x-request-id"]


@pytest.mark.parametrize("failure", FAILURES[:3], ids=lambda failure: failure.model)
def test_a_generation_that_never_begins_is_a_status_in_a_stream_too(
    api: Api, models: ChatServer, handbook: str, failure: Failure
) -> None:
    with served(api, models, failure.model) as client:
        response = client.post("/v1/generations", json=bodies(handbook, stream=True)["/v1/generations"])
        problem_in(response, failure.status, failure.code)


def test_an_empty_completion(api: Api, models: ChatServer, handbook: str) -> None:
    with served(api, models, "empty") as client:
        asked = bodies(handbook, stream=False)
        for path in ("/v1/answers", "/v1/summaries"):
            assert client.post(path, json=asked[path]).json()["status"] == "insufficient_evidence"
        problem_in(
            client.post("/v1/generations", json=asked["/v1/generations"]), 502, "model_response_invalid"
        )


@pytest.mark.parametrize("schema", [{"type": "object"}, {"type": "array"}])
def test_output_that_is_not_of_the_schema(api: Api, models: ChatServer, schema: dict[str, Any]) -> None:
    model = "repeats" if schema["type"] == "object" else "counts-words"
    body = {"input": "Say it.", "json_schema": schema}
    with served(api, models, model) as client:
        problem_in(client.post("/v1/generations", json=body), 502, "model_response_invalid")
        streamed = client.post("/v1/generations", json={**body, "stream": True})
        assert events_in(streamed.text)[-1] == "error"
        assert last_data(streamed.text)["code"] == "model_response_invalid"


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("model", ["silent", "stalls"])
def test_a_client_that_leaves_a_stream_stops_the_model(
    api: Api, models: ChatServer, handbook: str, model: str
) -> None:
    body = bodies(handbook, stream=True)["/v1/answers"]
    with served(api, models, model) as client:
        with client.stream("POST", "/v1/answers", json=body) as response:
            seen = "retrieval.completed" if model == "silent" else "answer.delta"
            lines = response.iter_lines()  # kept: httpx hangs up when its generator is dropped
            assert f"event: {seen}" in lines
            # Who leaves before the model was asked leaves nothing to stop.
            wait_until(lambda: any(request["model"] == model for request in models.requests))
        assert models.left.acquire(timeout=30)


@pytest.mark.parametrize("path", ["/v1/answers", "/v1/summaries", "/v1/generations"])
def test_a_client_that_leaves_before_its_answer_stops_the_model(
    api: Api, models: ChatServer, handbook: str, path: str
) -> None:
    with served(api, models, "silent") as client:
        with pytest.raises(httpx.ReadTimeout):
            client.post(path, json=bodies(handbook, stream=False)[path], timeout=1)
        assert models.left.acquire(timeout=30)
        with pytest.raises(httpx.ReadTimeout):
            client.post(path, json=bodies(handbook, stream=True)[path], timeout=1)
        assert models.left.acquire(timeout=30)


def test_silent_models_leave_room_for_searches(api: Api, models: ChatServer, handbook: str) -> None:
    streamed = bodies(handbook, stream=True)["/v1/answers"]
    whole = bodies(handbook, stream=False)["/v1/generations"]

    before = len(models.requests)

    def ask_in_vain(client: httpx.Client) -> None:
        with pytest.raises(httpx.ReadTimeout):
            client.post("/v1/generations", json=whole, timeout=2)

    with (
        served(api, models, "silent") as client,
        httpx.Client(base_url=client.base_url, limits=httpx.Limits(max_connections=None)) as many,
        ThreadPoolExecutor(SILENT_STREAMS) as pool,
        ExitStack() as open_streams,
    ):
        for _ in range(SILENT_STREAMS):
            stream = many.stream("POST", "/v1/answers", json=streamed, timeout=30)
            response = open_streams.enter_context(stream)
            assert response.status_code == 200
        waiting = [pool.submit(ask_in_vain, many) for _ in range(SILENT_STREAMS)]
        search = {"query": "refunds", "collections": [handbook]}
        assert client.post("/v1/search", json=search, timeout=10).json()["data"]
        for unanswered in waiting:
            unanswered.result()
        end = time.monotonic() + 20
        while len(models.requests) - before < SILENT_STREAMS and time.monotonic() < end:
            time.sleep(0.05)
    # A client that is out of patience may leave before its model is asked.
    asked = len(models.requests) - before
    assert SILENT_STREAMS <= asked <= 2 * SILENT_STREAMS
    for _ in range(asked):
        assert models.left.acquire(timeout=30)


def test_beyond_the_limit_it_is_503_and_when_to_come_back(
    api: Api, models: ChatServer, handbook: str
) -> None:
    generator = OpenAIChatGenerator(models.base_url, "silent", API_KEY, max_retries=0)
    backend = Overlaid(base=api.backend, generator=generator)
    app = create_app(
        backend, ServerSettings(), max_document_bytes=MAX_DOCUMENT_BYTES, anonymous=Anonymous.LOCAL
    )
    app.state.model_calls = ModelCalls(limit=1)
    body = bodies(handbook, stream=True)["/v1/answers"]
    with serving(app) as client, client.stream("POST", "/v1/answers", json=body):
        for path, refused in bodies(handbook, stream=False).items():
            response = client.post(path, json=refused)
            problem_in(response, 503, "overloaded")
            assert int(response.headers["retry-after"]) > 0
    assert models.left.acquire(timeout=30)
