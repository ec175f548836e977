import logging
from collections.abc import Iterator

import pytest

from tests.app.api.serving import (
    ORIGIN,
    Api,
    Overlaid,
    ScriptedGenerator,
    problem_in,
    serving_backend,
)

JSON = {"content-type": "application/json"}


def test_request_ids_are_taken_over_or_made(api: Api) -> None:
    taken = api.client.get("/healthz", headers={"X-Request-Id": "trace-1:a.b"})
    assert taken.headers["x-request-id"] == "trace-1:a.b"
    for insane in ("a b", "x" * 129, "<script>"):
        made = api.client.get("/healthz", headers={"X-Request-Id": insane}).headers["x-request-id"]
        assert made.startswith("req_")


@pytest.mark.parametrize(
    "body",
    [b"{", b"\xff\xfe", b'{"name": NaN}', b'{"name": 1e999}', b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}"],
)
def test_malformed_json(api: Api, body: bytes) -> None:
    response = api.client.post("/v1/collections", content=body, headers=JSON)
    problem_in(response, 400, "malformed_request")


def test_bodies_of_other_media_types(api: Api) -> None:
    for headers in ({}, {"content-type": "text/plain"}, {**JSON, "content-encoding": "gzip"}):
        response = api.client.post("/v1/collections", content=b'{"name": "x"}', headers=headers)
        problem_in(response, 415, "unsupported_media_type")
    assert api.client.post("/v1/collections").status_code == 422


def test_routes_and_methods_that_do_not_exist(api: Api) -> None:
    problem_in(api.client.get("/v1/nothing"), 404, "route_not_found")
    problem_in(api.client.get("/v1/collections/"), 404, "route_not_found")
    response = api.client.put("/v1/collections/x")
    problem_in(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "DELETE, GET, PATCH"


def test_bodies_beyond_the_limit_are_refused_with_and_without_a_length(api: Api) -> None:
    large = b"a" * 1_000_001

    def pieces() -> Iterator[bytes]:
        for _ in range(20):
            yield b"a" * 100_000

    problem_in(api.client.post("/v1/search", content=large, headers=JSON), 413, "body_too_large")
    problem_in(api.client.post("/v1/search", content=pieces(), headers=JSON), 413, "body_too_large")


def test_a_hundred_megabytes(api: Api) -> None:
    path = f"/v1/collections/{api.collection()}/documents"
    response = api.client.post(path, content=b"a" * 100_000_000, headers=JSON)
    problem_in(response, 413, "body_too_large")


def test_browsers_of_the_configured_origin_may_call(api: Api) -> None:
    preflight = {"Origin": ORIGIN, "Access-Control-Request-Method": "PATCH"}
    allowed = api.client.options("/v1/collections/x", headers=preflight)
    assert allowed.headers["access-control-allow-origin"] == ORIGIN
    assert "PATCH" in allowed.headers["access-control-allow-methods"]
    foreign = api.client.options("/v1/collections", headers={**preflight, "Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in foreign.headers
    failed = api.client.get("/v1/documents/doc_none", headers={"Origin": ORIGIN})
    assert failed.headers["access-control-allow-origin"] == ORIGIN
    assert "X-Request-Id" in failed.headers["access-control-expose-headers"]


def test_what_nobody_foresaw_is_logged_and_not_told(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    surprising = ScriptedGenerator(words=(), error=ZeroDivisionError("the secret"))
    with serving_backend(Overlaid(base=api.backend, generator=surprising)) as client:
        with caplog.at_level(logging.ERROR, logger="acervo"):
            response = client.post("/v1/generations", json={"input": "Hi"}, headers={"Origin": ORIGIN})
        problem = problem_in(response, 500, "internal_error")
        assert "secret" not in response.text
        assert response.headers["access-control-allow-origin"] == ORIGIN
        assert problem["request_id"] in caplog.text


def test_health(api: Api) -> None:
    assert api.client.get("/healthz").json() == {"status": "up"}
    assert api.client.get("/readyz").json() == {"status": "ready"}


def test_documentation_is_served(api: Api) -> None:
    assert api.client.get("/docs").headers["content-type"].startswith("text/html")
    document = api.client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")


def test_replies_of_the_framework_have_the_shape_of_problems(api: Api) -> None:
    problem_in(api.client.request("TRACE", "/healthz"), 405, "method_not_allowed")
