import json
from typing import Any

import pytest

from rag.errors import ModelUnavailable
from tests.app.api.serving import (
    Api,
    Overlaid,
    ScriptedGenerator,
    events_in,
    pointers,
    problem_in,
    serving_backend,
)


@pytest.fixture(scope="module")
def handbook(api: Api) -> str:
    name = api.collection()
    text = "Customers get refunds within 30 days of purchase. Parcels leave the warehouse on Mondays."
    api.document(name, key="refunds.md", title="Refunds", text=text)
    return name


def ask(handbook: str, **change: Any) -> dict[str, Any]:
    return {"question": "When do customers get refunds?", "collections": [handbook], **change}


def test_every_citation_is_in_its_source(api: Api, handbook: str) -> None:
    answer = api.client.post("/v1/answers", json=ask(handbook)).json()
    assert answer["status"] == "answered"
    assert answer["citations"]
    for citation in answer["citations"]:
        source = citation["source"]
        text = api.client.get(f"/v1/documents/{source['document_id']}/content?format=text").text
        assert text[source["start"] : source["end"]] == citation["quote"]
        assert citation["verified"] is True
    assert api.client.get(f"/v1/answers/{answer['id']}").json() == answer


def test_a_stream_has_its_events_in_order_and_the_same_answer(api: Api, handbook: str) -> None:
    response = api.client.post("/v1/answers", json=ask(handbook, stream=True))
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    names = events_in(response.text)
    assert names[:2] == ["answer.created", "retrieval.completed"]
    assert names[-1] == "answer.completed"
    middle = names[2:-1]
    assert set(middle) == {"answer.delta", "citation.added"}
    data = [json.loads(line[6:]) for line in response.text.splitlines() if line.startswith("data: ")]
    deltas = [item["text"] for item in data if set(item) == {"text"}]
    assert "".join(deltas) == data[-1]["text"]
    assert api.client.get(f"/v1/answers/{data[0]['id']}").json() == data[-1]


def test_what_is_wrong_before_a_stream_is_a_status(api: Api) -> None:
    body = ask("absent", stream=True)
    problem_in(api.client.post("/v1/answers", json=body), 404, "collection_not_found")


def test_an_error_in_the_middle_of_a_stream_is_its_last_event(api: Api, handbook: str) -> None:
    failing = ScriptedGenerator(words=(), error=ModelUnavailable("secret host did not answer"))
    with serving_backend(Overlaid(base=api.backend, generator=failing)) as client:
        response = client.post("/v1/answers", json=ask(handbook, stream=True))
        assert events_in(response.text) == ["answer.created", "retrieval.completed", "error"]
        problem = json.loads(response.text.rpartition("data: ")[2])
        assert (problem["status"], problem["code"]) == (503, "model_unavailable")
        assert "secret" not in response.text
        unavailable = client.post("/v1/answers", json=ask(handbook))
        problem_in(unavailable, 503, "model_unavailable")
        assert unavailable.headers["retry-after"] == "5"
        assert "secret" not in unavailable.text


def test_feedback(api: Api, handbook: str) -> None:
    answer = api.client.post("/v1/answers", json=ask(handbook)).json()
    path = f"/v1/answers/{answer['id']}/feedback"
    assert api.client.post(path, json={"rating": "up", "comment": "Good."}).status_code == 204
    problem = problem_in(api.client.post(path, json={"rating": "meh"}), 422, "invalid_request")
    assert pointers(problem) == ["/rating"]
    problem_in(
        api.client.post("/v1/answers/ans_none/feedback", json={"rating": "up"}), 404, "answer_not_found"
    )
    problem_in(api.client.get("/v1/answers/ans_none"), 404, "answer_not_found")


def test_a_conversation_from_new_to_deleted(api: Api, handbook: str) -> None:
    answer = api.client.post("/v1/answers", json=ask(handbook, conversation_id="new")).json()
    conversation_id = answer["conversation_id"]
    api.client.post("/v1/answers", json=ask(handbook, conversation_id=conversation_id)).raise_for_status()
    path = f"/v1/conversations/{conversation_id}"
    assert len(api.client.get(path).json()["turns"]) == 2
    listed = api.client.get("/v1/conversations?limit=1").json()
    assert [conversation["id"] for conversation in listed["data"]] == [conversation_id]
    assert api.client.delete(path).status_code == 204
    problem_in(api.client.get(path), 404, "conversation_not_found")
    body = ask(handbook, conversation_id=conversation_id)
    problem_in(api.client.post("/v1/answers", json=body), 404, "conversation_not_found")


def test_summaries_of_documents_and_of_a_collection(api: Api, handbook: str) -> None:
    (document,) = api.client.get(f"/v1/collections/{handbook}/documents").json()["data"]
    for body in ({"documents": [document["id"]]}, {"collection": handbook}):
        summary = api.client.post("/v1/summaries", json=body)
        assert summary.status_code == 200, summary.text
        assert summary.json()["passages"]
    streamed = api.client.post("/v1/summaries", json={"collection": handbook, "stream": True})
    assert events_in(streamed.text)[-1] == "answer.completed"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"documents": ["doc_x"], "collection": "x"},
        {"documents": []},
        {"documents": ["doc_x"], "filter": {"field": "key", "op": "eq", "value": "a"}},
    ],
)
def test_summaries_that_are_refused(api: Api, body: Any) -> None:
    problem_in(api.client.post("/v1/summaries", json=body), 422, "invalid_request")


def test_summaries_of_what_is_not_there(api: Api) -> None:
    problem_in(api.client.post("/v1/summaries", json={"documents": ["doc_x"]}), 404, "document_not_found")


def test_generations_need_a_generative_model(api: Api) -> None:
    for stream in (False, True):
        response = api.client.post("/v1/generations", json={"input": "Hi", "stream": stream})
        assert "ACERVO_GENERATION" in problem_in(response, 409, "generative_model_required")["detail"]


def test_generations(api: Api) -> None:
    with serving_backend(Overlaid(base=api.backend, generator=ScriptedGenerator())) as client:
        whole = client.post("/v1/generations", json={"input": "Hi"}).json()
        assert (whole["text"], whole["model"], whole["usage"]["output_tokens"]) == (
            "Hello world",
            "scripted",
            2,
        )
        streamed = client.post("/v1/generations", json={"input": "Hi", "stream": True}).text
        assert events_in(streamed) == [
            "generation.created",
            "generation.delta",
            "generation.delta",
            "generation.completed",
        ]


def test_models(api: Api) -> None:
    models = api.client.get("/v1/models").json()
    assert models["generation"] == [{"id": api.backend.generator.model.id, "generative": False}]
    assert models["embedding"][0]["dimensions"] == api.backend.embedder.model.dimensions
    assert models["reranking"] == []
