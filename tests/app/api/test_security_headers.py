"""Whatever is answered, a browser is told not to guess, embed or run it."""

import pytest
from starlette.applications import Starlette

from app.api.security_headers import SECURITY_HEADERS
from app.loopback import LoopbackGuard
from tests.app.api.serving import ORIGIN, Api, serving


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/v1/collections", 200),
        ("GET", "/v1/nothing", 404),
        ("TRACE", "/healthz", 405),
        ("POST", "/v1/search", 422),
        ("GET", "/v1/documents/doc_none/content", 404),
    ],
)
def test_every_response_has_them(api: Api, method: str, path: str, status: int) -> None:
    response = api.client.request(method, path)
    assert response.status_code == status
    assert {n: response.headers.get(n) for n in SECURITY_HEADERS} == SECURITY_HEADERS


def test_downloads_streams_and_preflights_have_them(api: Api) -> None:
    collection = api.collection()
    document = api.document(collection, key="a.html", text="<script>alert(1)</script> Hello.")
    body = {"question": "Hello?", "collections": [collection], "stream": True}
    preflight = {"Origin": ORIGIN, "Access-Control-Request-Method": "PATCH"}
    for response in (
        api.client.get(f"/v1/documents/{document['id']}/content"),
        api.client.get(f"/v1/documents/{document['id']}/content?format=text"),
        api.client.post("/v1/answers", json=body),
        api.client.options("/v1/collections/x", headers=preflight),
    ):
        assert response.status_code == 200
        assert {n: response.headers.get(n) for n in SECURITY_HEADERS} == SECURITY_HEADERS


def test_pages_have_them_but_say_more_of_what_they_run(api: Api) -> None:
    headers = api.client.get("/docs").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "script-src" in headers["content-security-policy"]


def test_a_request_that_is_refused_before_the_application_has_them() -> None:
    with serving(LoopbackGuard(Starlette(), origins=[])) as client:
        response = client.get("/healthz", headers={"Host": "evil.example"})
    assert response.status_code == 403
    assert {n: response.headers.get(n) for n in SECURITY_HEADERS} == SECURITY_HEADERS
