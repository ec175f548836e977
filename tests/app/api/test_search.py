from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from rag.domain.search import Passage
from rag.errors import ModelUnavailable
from tests.app.api.serving import Api, Overlaid, ScriptedGenerator, pointers, problem_in, serving_backend


@pytest.fixture(scope="module")
def handbook(api: Api) -> str:
    name = api.collection()
    api.document(name, key="refunds.md", text="Refunds are paid within 30 days.", metadata={"year": 2024})
    api.document(name, key="parcels.md", text="Parcels leave on Mondays.", metadata={"year": 2020})
    return name


@pytest.mark.parametrize("mode", ["hybrid", "semantic", "keyword"])
def test_passages_are_found_in_every_mode(api: Api, handbook: str, mode: str) -> None:
    body = {"query": "When are refunds paid?", "collections": [handbook], "mode": mode, "top_k": 1}
    found = api.client.post("/v1/search", json=body).json()
    (passage,) = found["data"]
    assert passage["document"]["key"] == "refunds.md"
    assert passage["document"]["collection"] == handbook
    assert passage["text"] == "Refunds are paid within 30 days."
    assert set(found["timings_ms"]) == {"embed", "retrieve", "rerank", "total"}


def test_filters_apply(api: Api, handbook: str) -> None:
    body: dict[str, Any] = {"query": "refunds parcels", "collections": [handbook]}
    body["filter"] = {"and": [{"field": "metadata.year", "op": "lt", "value": 2022}]}
    found = api.client.post("/v1/search", json=body).json()["data"]
    assert [passage["document"]["key"] for passage in found] == ["parcels.md"]


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"query": ""}, "invalid_request", "/query"),
        ({"query": "a\0"}, "invalid_request", "/query"),
        ({"top_k": 101}, "invalid_request", "/top_k"),
        ({"top_k": True}, "invalid_request", "/top_k"),
        ({"mode": "magic"}, "invalid_request", "/mode"),
        ({"neighbors": 4}, "invalid_request", "/neighbors"),
        ({"collections": []}, "invalid_request", "/collections"),
        ({"filter": {"field": "metadata.a", "op": "like", "value": 1}}, "invalid_filter", "/filter/op"),
        (
            {"filter": {"or": [{"field": "size", "op": "eq", "value": 1}]}},
            "invalid_filter",
            "/filter/or/0/field",
        ),
    ],
)
def test_searches_that_are_refused(api: Api, change: Any, code: str, pointer: str) -> None:
    response = api.client.post("/v1/search", json={"query": "refunds", **change})
    assert pointers(problem_in(response, 422, code)) == [pointer]


def test_reranking_without_a_reranker(api: Api) -> None:
    response = api.client.post("/v1/search", json={"query": "refunds", "rerank": True})
    problem_in(response, 409, "reranker_required")


@dataclass(frozen=True, kw_only=True)
class AwayReranker:
    model_id: str = "away"

    def rerank(self, query: str, passages: Sequence[Passage]) -> list[float]:
        raise ModelUnavailable(f"{len(passages)} passages for {query!r} and nobody there")


def test_a_reranker_that_fails_is_the_response_or_marked_in_it(api: Api, handbook: str) -> None:
    backend = Overlaid(base=api.backend, generator=ScriptedGenerator(), reranker=AwayReranker())
    body: dict[str, Any] = {"query": "refunds", "collections": [handbook], "rerank": True}
    allowed = {**body, "rerank_fallback": True}
    with serving_backend(backend) as client:
        problem_in(client.post("/v1/search", json=body), 503, "model_unavailable")
        problem_in(client.post("/v1/answers", json=_asking(body)), 503, "model_unavailable")
        found = client.post("/v1/search", json=allowed).json()
        answer = client.post("/v1/answers", json=_asking(allowed)).json()
        kept = client.get(f"/v1/answers/{answer['id']}").json()
        why = client.post("/v1/search/explain", json={**allowed, "document": f"{handbook}/parcels.md"}).json()
    plain = api.client.post("/v1/search", json={**body, "rerank": False}).json()
    assert plain["rerank_failure"] is None
    assert (found["rerank_failure"], found["data"]) == ("model_unavailable", plain["data"])
    assert answer["rerank_failure"] == kept["rerank_failure"] == "model_unavailable"
    assert why["found"]


def _asking(body: dict[str, Any]) -> dict[str, Any]:
    return {"question": body["query"], **{name: value for name, value in body.items() if name != "query"}}


def test_an_unknown_collection(api: Api) -> None:
    body = {"query": "refunds", "collections": ["absent"]}
    problem_in(api.client.post("/v1/search", json=body), 404, "collection_not_found")


def test_explanations(api: Api, handbook: str) -> None:
    body: dict[str, Any] = {
        "query": "refunds",
        "collections": [handbook],
        "document": f"{handbook}/refunds.md",
    }
    found = api.client.post("/v1/search/explain", json=body).json()
    assert (found["found"], found["rank"]) == (True, 1)
    body["filter"] = {"field": "metadata.year", "op": "eq", "value": 1999}
    hidden = api.client.post("/v1/search/explain", json=body).json()
    assert hidden["found"] is False
    assert [reason["code"] for reason in hidden["reasons"]] == ["filtered_out"]
    absent = api.client.post("/v1/search/explain", json={**body, "document": "doc_none"}).json()
    assert [reason["code"] for reason in absent["reasons"]] == ["not_ingested"]
