"""The HTTP client over a transport that answers as told."""

from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

import httpx
import pytest

from app.cli.client import ATTEMPTS, Client
from app.cli.exits import ExitCode, RequestFailed, ServerUnreachable, exit_code

PROBLEM = {"title": "T.", "detail": "The model's quota is used up.", "code": "throttled", "status": 429}


def client(answer: Callable[[httpx.Request], httpx.Response]) -> Client:
    http = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://server")
    return Client(http, address="http://server")


def answering(statuses: Sequence[int]) -> tuple[Client, list[httpx.Request]]:
    """One status after another, the last for ever; and the requests that came."""
    seen: list[httpx.Request] = []
    numbers = count()

    def answer(request: httpx.Request) -> httpx.Response:
        request.read()
        seen.append(request)
        status = statuses[min(next(numbers), len(statuses) - 1)]
        body = {"fine": True} if status < 400 else PROBLEM
        return httpx.Response(status, json=body, headers={"Retry-After": "0"})

    return client(answer), seen


def test_waits_as_asked_and_tries_again() -> None:
    patient, seen = answering([503, 429, 200])
    assert patient.get("/v1/models") == {"fine": True}
    assert len(seen) == 3


def test_gives_up_with_the_servers_own_words() -> None:
    patient, seen = answering([503])
    with pytest.raises(RequestFailed, match="quota is used up") as raised:
        patient.get("/v1/models")
    assert len(seen) == ATTEMPTS
    assert exit_code(raised.value) is ExitCode.UNREACHABLE


def test_an_answer_is_asked_for_once() -> None:
    hasty, seen = answering([503, 200])
    with pytest.raises(RequestFailed):
        hasty.post("/v1/answers", {"question": "?"})
    assert len(seen) == 1


def test_an_upload_sends_the_whole_file_again(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("every word of it")
    patient, seen = answering([503, 200])
    patient.upload("/v1/collections/c/documents", file, {"key": "a.txt"})
    assert [b"every word of it" in request.content for request in seen] == [True, True]


@pytest.mark.parametrize(("status", "code"), [(404, 1), (422, 2), (500, 1), (503, 3), (429, 3)])
def test_exit_code_of_a_status(status: int, code: int) -> None:
    assert exit_code(RequestFailed.of(status, {})) == code


def test_pages_are_read_to_the_end() -> None:
    one, two, three = ({"name": name} for name in "abc")
    pages = {None: {"data": [one, two], "next_cursor": "x"}, "x": {"data": [three], "next_cursor": None}}
    paging = client(lambda request: httpx.Response(200, json=pages[request.url.params.get("cursor")]))
    assert list(paging.pages("/v1/collections")) == [one, two, three]


def test_something_that_is_not_acervo() -> None:
    elsewhere = client(lambda _: httpx.Response(200, html="<h1>Welcome</h1>"))
    with pytest.raises(RequestFailed, match="not an Acervo server"):
        elsewhere.get("/v1/models")


def test_nobody_there() -> None:
    def refuse(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused")

    with pytest.raises(ServerUnreachable, match="acervo serve") as raised:
        client(refuse).get("/v1/models")
    assert exit_code(raised.value) is ExitCode.UNREACHABLE


def test_a_stream_that_is_refused() -> None:
    refusing = client(lambda _: httpx.Response(422, json={"detail": "No.", "code": "invalid_request"}))
    with pytest.raises(RequestFailed, match=r"No\."):
        list(refusing.stream("/v1/answers", {"question": "?"}))
