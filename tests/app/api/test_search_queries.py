"""Whatever people type is answered rightly or refused clearly; the client gives up after 30 s."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.app.api.serving import Api, pointers, problem_in

MODES = ("hybrid", "semantic", "keyword")
LONG = (
    "I bought a lamp in your shop three weeks ago, and when I came home it did not work at all, so I sent it"
    " back the next day with the form that was in the parcel, and now I would like to know within how many"
    " days my refunds are paid, to which card, and whom I may call if nothing has come by then"
)
FOUND = [
    "When are refunds paid?",
    LONG,
    "refunds & paid | ! days",
    "refunds <-> paid",
    "refunds:* paid:A",
    "'refunds' \"paid\" \\paid\\",
    "refunds'); DROP TABLE documents; --",
    "{refunds} %(paid)s %s $1 :days",
    "(((refunds paid",
    "refunds * % _ ? [paid]",
    "😀 refunds 👩‍👩‍👧 paid 🏳️‍🌈",
    "\u202erefunds\u202c paid",
    "REFUNDS PAID",
    "réfunds páid",
    "refunds\n\tpaid\r\n",
    "refunds paid " + "word " * 1_500,
]
EMPTY = [
    "?",
    "...!?-_/\\|&<>()[]{}*'\"`~^%$#@",
    "😀",
    " ",
    "\u200b",
    "\u0301",
    "& | ! <-> :* ' \\",
    "x" * 8_000,
    "東" * 8_000,
]


@pytest.fixture(scope="module")
def handbook(api: Api) -> str:
    name = api.collection()
    api.document(name, key="refunds.md", text="Refunds are paid within 30 days of purchase.")
    api.document(name, key="lunch.md", text="Lunch is served at noon in the garden.")
    api.document(name, key="férias.md", text="O pedido de férias é feito com antecedência.")
    return name


def ask(api: Api, collection: str, query: str, mode: str) -> httpx.Response:
    return api.client.post("/v1/search", json={"query": query, "collections": [collection], "mode": mode})


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("query", FOUND, ids=lambda query: repr(query[:20]))
def test_what_is_asked_in_any_form_is_found(api: Api, handbook: str, query: str, mode: str) -> None:
    response = ask(api, handbook, query, mode)
    assert response.status_code == 200, response.text
    found = response.json()["data"]
    if mode != "semantic":  # what a static model makes of a query that is mostly something else is its own
        assert found[0]["document"]["key"] == "refunds.md"


@pytest.mark.parametrize(("stop_word", "key"), [("the", "lunch.md"), ("de", "férias.md")])
def test_a_stop_word_alone_is_looked_for_as_it_is(api: Api, handbook: str, stop_word: str, key: str) -> None:
    found = ask(api, handbook, stop_word, "keyword").json()["data"]
    assert [passage["document"]["key"] for passage in found] == [key]
    assert len(ask(api, handbook, stop_word, "hybrid").json()["data"]) == 3


@pytest.mark.parametrize("query", EMPTY, ids=lambda query: repr(query[:20]))
def test_without_a_word_to_look_for_the_keyword_leg_finds_nothing(
    api: Api, handbook: str, query: str
) -> None:
    by_words = ask(api, handbook, query, "keyword")
    assert (by_words.status_code, by_words.json()["data"]) == (200, [])
    for mode in ("hybrid", "semantic"):
        response = ask(api, handbook, query, mode)
        assert response.status_code == 200, response.text
        assert len(response.json()["data"]) == 3


@pytest.mark.parametrize(("query", "status"), [("", 422), ("a" * 20_000, 422), ("refunds\0paid", 422)])
def test_queries_that_are_refused(api: Api, handbook: str, query: str, status: int) -> None:
    for path, further in (("/v1/search", {}), ("/v1/search/explain", {"document": "a/b"})):
        body: dict[str, Any] = {"query": query, "collections": [handbook], **further}
        problem = problem_in(api.client.post(path, json=body), status, "invalid_request")
        assert pointers(problem) == ["/query"]


@pytest.mark.parametrize("escaped", [r"\ud800", r"a\udfffb", r"\udc00\ud800"])
def test_a_lone_surrogate_is_no_text(api: Api, escaped: str) -> None:
    response = api.client.post(
        "/v1/search",
        content=f'{{"query": "{escaped}"}}'.encode(),
        headers={"Content-Type": "application/json"},
    )
    assert 400 <= response.status_code < 500
    assert response.json()["code"]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(max_size=120), mode=st.sampled_from(MODES))
def test_any_text_is_answered_or_refused(api: Api, handbook: str, query: str, mode: str) -> None:
    body = json.dumps({"query": query, "collections": [handbook], "mode": mode, "document": f"{handbook}/x"})
    explained = api.client.post(
        "/v1/search/explain", content=body.encode(), headers={"Content-Type": "application/json"}
    )
    assert explained.status_code in {200, 400, 422}, explained.text
    expected = 200 if query and "\0" not in query else 422
    assert explained.status_code == expected
