from uuid import uuid4

import pytest

from tests.app.api.serving import Api, pointers, problem_in


def test_created_read_changed_and_deleted(api: Api) -> None:
    name = f"life-{uuid4().hex}"
    created = api.client.post("/v1/collections", json={"name": name, "language": "pt", "metadata": {"a": 1}})
    assert created.status_code == 201
    assert created.headers["location"] == f"/v1/collections/{name}"
    assert created.json()["embedding"]["id"] == api.backend.embedder.model.id
    assert api.client.get(f"/v1/collections/{name}").json() == created.json()

    changed = api.client.patch(f"/v1/collections/{name}", json={"description": "New", "metadata": None})
    assert changed.json()["description"] == "New"
    assert changed.json()["metadata"] == {"a": 1}
    assert changed.json()["language"] == "pt"

    assert api.client.delete(f"/v1/collections/{name}").status_code == 202
    problem_in(api.client.get(f"/v1/collections/{name}"), 404, "collection_not_found")
    problem_in(api.client.delete(f"/v1/collections/{name}"), 404, "collection_not_found")


def test_chunking_is_applied_to_all_documents(api: Api) -> None:
    name = api.collection()
    document = api.document(
        name, text=" ".join(f"Sentence {n} has eight plain words here." for n in range(90))
    )
    assert document["chunk_count"] > 1
    changed = api.client.patch(f"/v1/collections/{name}", json={"chunking": {"strategy": "whole"}}).json()
    assert changed["chunking"] == {
        "strategy": "whole",
        "max_tokens": 400,
        "overlap_tokens": 0,
        "jsonl": "one_document",
    }
    assert changed["outdated_count"] == 1
    api.work()
    assert api.client.get(f"/v1/collections/{name}").json()["outdated_count"] == 0
    after = api.client.get(f"/v1/documents/{document['id']}").json()
    assert (after["chunk_count"], after["version"], after["status"]) == (1, 1, "ready")


def test_a_name_is_taken_once(api: Api) -> None:
    name = api.collection()
    problem_in(api.client.post("/v1/collections", json={"name": name}), 409, "collection_exists")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"),
        ({"name": "Upper"}, "/name"),
        ({"name": "ends\n"}, "/name"),
        ({"name": "a" * 64}, "/name"),
        ({"name": 5}, "/name"),
        ({"name": "x", "unknown": 1}, "/unknown"),
        ({"name": "x", "chunking": {"max_tokens": "400"}}, "/chunking/max_tokens"),
        ({"name": "x", "chunking": {"max_tokens": 10**30}}, "/chunking/max_tokens"),
        ({"name": "x", "chunking": {"strategy": "paragraph"}}, "/chunking/strategy"),
        ({"name": "x", "language": "portuguese"}, "/language"),
        ({"name": "x", "description": "a\0b"}, "/description"),
        ({"name": "x", "metadata": {"a/b": ["ok", "a\0b"]}}, "/metadata/a~1b/1"),
        ({"name": "x", "metadata": {"big": "a" * 70_000}}, "/metadata"),
        ({"name": "x", "metadata": []}, "/metadata"),
    ],
)
def test_what_is_wrong_is_pointed_at(api: Api, body: object, pointer: str) -> None:
    problem = problem_in(api.client.post("/v1/collections", json=body), 422, "invalid_request")
    assert pointer in pointers(problem)


def test_pages_are_stable_while_collections_are_added(api: Api) -> None:
    names = [api.collection() for _ in range(5)]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = api.client.get("/v1/collections", params={"limit": "2", **cursor}).json()
        seen += [collection["name"] for collection in page["data"]]
        if len(seen) < 8:
            api.collection()
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len(seen) == len(set(seen))
    assert [name for name in seen if name in names] == names


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=1e9", "limit=99999999999999999999", "limit=a", "limit=1&limit=2"]
)
def test_limits_out_of_range(api: Api, query: str) -> None:
    problem = problem_in(api.client.get(f"/v1/collections?{query}"), 422, "invalid_request")
    assert pointers(problem) == ["/limit"]


def test_unknown_query_parameters_and_foreign_cursors(api: Api) -> None:
    unknown = api.client.get("/v1/collections?offset=3")
    assert pointers(problem_in(unknown, 422, "invalid_request")) == ["/offset"]
    foreign = api.client.get("/v1/collections?cursor=foreign!")
    problem_in(foreign, 404, "page_not_found")
