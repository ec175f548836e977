from uuid import uuid4

from tests.app.api.serving import Api, Overlaid, ScriptedGenerator, pointers, problem_in, serving_backend


def key() -> dict[str, str]:
    return {"Idempotency-Key": uuid4().hex}


def test_the_first_response_is_given_again(api: Api) -> None:
    path, headers = f"/v1/collections/{api.collection()}/documents", key()
    first = api.client.post(path, json={"text": "Once."}, headers=headers)
    again = api.client.post(path, json={"text": "Once."}, headers=headers)
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert len(api.client.get(path).json()["data"]) == 1


def test_multipart_boundaries_do_not_matter(api: Api) -> None:
    path, headers = f"/v1/collections/{api.collection()}/documents", key()
    ids = {
        api.client.post(path, files={"file": ("a.txt", b"Once.")}, headers=headers).json()["id"]
        for _ in range(2)
    }
    assert len(ids) == 1


def test_a_key_belongs_to_one_request(api: Api) -> None:
    headers = key()
    name = f"test-{uuid4().hex}"
    assert api.client.post("/v1/collections", json={"name": name}, headers=headers).status_code == 201
    other = api.client.post("/v1/collections", json={"name": f"{name}-2"}, headers=headers)
    assert pointers(problem_in(other, 422, "idempotency_key_reused")) == ["/Idempotency-Key"]


def test_what_failed_may_be_tried_again(api: Api) -> None:
    headers = key()
    name = f"test-{uuid4().hex}"
    wrong = api.client.post("/v1/collections", json={"name": name, "x": 1}, headers=headers)
    assert wrong.status_code == 422
    assert api.client.post("/v1/collections", json={"name": name}, headers=headers).status_code == 201


def test_answers_without_a_body_are_given_again_too(api: Api) -> None:
    collection = api.collection()
    answer = api.client.post("/v1/answers", json={"question": "What?", "collections": [collection]}).json()
    headers = key()
    for replayed in (False, True):
        response = api.client.post(
            f"/v1/answers/{answer['id']}/feedback", json={"rating": "up"}, headers=headers
        )
        assert (response.status_code, response.content) == (204, b"")
        assert ("idempotency-replayed" in response.headers) is replayed


def test_streams_are_not_kept(api: Api) -> None:
    with serving_backend(Overlaid(base=api.backend, generator=ScriptedGenerator())) as client:
        headers = key()
        for _ in range(2):
            response = client.post("/v1/generations", json={"input": "Hi", "stream": True}, headers=headers)
            assert "generation.completed" in response.text


def test_keys_that_cannot_be_kept(api: Api) -> None:
    for wrong in ("", "a b", "x" * 256):
        response = api.client.post("/v1/collections", json={"name": "x"}, headers={"Idempotency-Key": wrong})
        assert pointers(problem_in(response, 422, "invalid_request")) == ["/Idempotency-Key"]
