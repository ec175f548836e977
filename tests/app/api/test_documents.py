import base64
import json
from email.message import EmailMessage
from typing import Any

import pytest

from tests.app.api.serving import MAX_DOCUMENT_BYTES, Api, pointers, problem_in

TEXT = "# Refunds\n\nRefunds are paid within 30 days of purchase.\n\n# Shipping\n\nParcels leave on Mondays."


def test_json_text_becomes_a_searchable_document(api: Api) -> None:
    collection = api.collection()
    response = api.client.post(
        f"/v1/collections/{collection}/documents",
        json={"key": "policies/refunds.md", "title": "Refunds", "text": TEXT, "metadata": {"year": 2026}},
    )
    assert response.status_code == 202
    document = response.json()
    assert response.headers["location"] == f"/v1/documents/{document['id']}"
    assert (document["status"], document["version"]) == ("pending", 0)
    assert document["source"]["kind"] == "api"

    api.work()
    ready = api.client.get(f"/v1/documents/{document['id']}").json()
    assert (ready["status"], ready["version"], ready["title"]) == ("ready", 1, "Refunds")
    assert (ready["media_type"], ready["metadata"]) == ("text/markdown", {"year": 2026})

    text = api.client.get(f"/v1/documents/{document['id']}/content?format=text").text
    chunks = api.client.get(f"/v1/documents/{document['id']}/chunks").json()["data"]
    assert len(chunks) == ready["chunk_count"] > 0
    for chunk in chunks:
        assert text[chunk["locator"]["start"] : chunk["locator"]["end"]] == chunk["text"]
    history = api.client.get(f"/v1/documents/{document['id']}/history").json()["data"]
    assert [entry["event"] for entry in history] == ["accepted", "ready"]


def test_base64_and_multipart_give_the_bytes_back(api: Api) -> None:
    collection = api.collection()
    content = "Olá, \N{EURO SIGN}100".encode()
    encoded = api.document(
        collection, key="a.txt", content_base64=base64.b64encode(content).decode(), media_type="text/plain"
    )
    assert api.client.get(f"/v1/documents/{encoded['id']}/content").content == content

    form = {"title": "Nota", "metadata": json.dumps({"author": "Ana"})}
    response = api.client.post(
        f"/v1/collections/{collection}/documents", data=form, files={"file": ("preço final.txt", content)}
    )
    assert response.status_code == 202
    api.work()
    document = api.client.get(response.headers["location"]).json()
    assert (document["key"], document["title"]) == ("preço final.txt", "Nota")
    assert document["metadata"] == {"author": "Ana"}
    download = api.client.get(f"/v1/documents/{document['id']}/content")
    assert download.content == content
    assert download.headers["content-disposition"] == (
        "attachment; filename=\"pre_o final.txt\"; filename*=UTF-8''pre%C3%A7o%20final.txt"
    )
    assert download.headers["x-content-type-options"] == "nosniff"


def test_a_key_is_made_where_none_is_given(api: Api) -> None:
    collection = api.collection()
    keys = {api.document(collection, text="Same text.")["key"] for _ in range(2)}
    assert len(keys) == 2


def test_the_same_key_is_a_new_version_of_the_same_document(api: Api) -> None:
    collection = api.collection()
    first = api.document(collection, key="a.txt", text="First.")
    second = api.document(collection, key="a.txt", text="Second.")
    assert second["id"] == first["id"]
    assert second["version"] > first["version"]
    assert api.client.get(f"/v1/documents/{first['id']}/content?format=text").text == "Second."


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"key": "a"}, "invalid_request", ""),
        ({"text": "a", "content_base64": "YQ=="}, "invalid_request", ""),
        ({"text": ""}, "invalid_request", "/text"),
        ({"text": None}, "invalid_request", "/text"),
        ({"text": "a\0b"}, "invalid_request", "/text"),
        ({"content_base64": "not base64!"}, "invalid_request", "/content_base64"),
        ({"text": "a", "media_type": "text/html\r\nX: y"}, "invalid_request", "/media_type"),
        ({"text": "a", "metadata": {"deep": json.loads("[" * 40 + "]" * 40)}}, "invalid_request", None),
        ({"text": "a", "key": ""}, "invalid_key", "/key"),
        ({"text": "a", "key": "../../etc/passwd"}, "invalid_key", "/key"),
        ({"text": "a", "key": "a//b"}, "invalid_key", "/key"),
        ({"text": "a", "key": ".hidden"}, "invalid_key", "/key"),
        ({"text": "a", "key": "a.metadata.json"}, "invalid_key", "/key"),
        ({"text": "a", "key": "é" * 200}, "invalid_key", "/key"),
    ],
)
def test_bodies_that_are_refused(api: Api, body: Any, code: str, pointer: str | None) -> None:
    response = api.client.post(f"/v1/collections/{api.collection()}/documents", json=body)
    problem = problem_in(response, 422, code)
    if pointer:
        assert pointer in pointers(problem)


def test_lone_surrogates_are_refused(api: Api) -> None:
    path = f"/v1/collections/{api.collection()}/documents"
    headers = {"content-type": "application/json"}
    for body in (
        rb'{"text": "\ud800"}',
        rb'{"text": "a", "metadata": {"a": "\udfff"}}',
        rb'{"text": "a", "key": "\ud800"}',
    ):
        assert api.client.post(path, content=body, headers=headers).status_code == 422


@pytest.mark.parametrize(
    ("data", "files", "pointer"),
    [
        ({}, {"other": ("a.txt", b"a")}, "/other"),
        ({"unknown": "1"}, {"file": ("a.txt", b"a")}, "/unknown"),
        ({"metadata": "{"}, {"file": ("a.txt", b"a")}, "/metadata"),
        ({"metadata": "[]"}, {"file": ("a.txt", b"a")}, "/metadata"),
        ({"key": "/a"}, {"file": ("a.txt", b"a")}, "/key"),
        ({}, {"file": ("empty.txt", b"")}, "/file"),
        ({"key": "a"}, {"title": (None, b"no file")}, "/file"),
    ],
)
def test_uploads_that_are_refused(api: Api, data: Any, files: Any, pointer: str) -> None:
    response = api.client.post(f"/v1/collections/{api.collection()}/documents", data=data, files=files)
    assert response.status_code == 422
    assert pointers(response.json()) == [pointer]


def test_other_media_types_and_too_large_documents(api: Api) -> None:
    path = f"/v1/collections/{api.collection()}/documents"
    problem_in(
        api.client.post(path, content=b"text", headers={"content-type": "text/plain"}),
        415,
        "unsupported_media_type",
    )
    problem_in(api.client.post(path), 415, "unsupported_media_type")
    broken = {"content-type": "multipart/form-data; boundary=x"}
    problem_in(api.client.post(path, content=b"no parts", headers=broken), 400, "malformed_request")
    large = {"file": ("a.txt", b"a" * (MAX_DOCUMENT_BYTES + 1))}
    problem_in(api.client.post(path, files=large), 413, "too_large")


def test_a_file_that_is_not_what_it_says_fails_with_a_reason_and_can_be_retried(api: Api) -> None:
    collection = api.collection()
    document = api.document(collection, key="a.pdf", content_base64=base64.b64encode(b"%PDF-1.7 no").decode())
    assert document["status"] == "failed"
    assert document["failure"]["code"] == "corrupt"
    problem_in(api.client.get(f"/v1/documents/{document['id']}/content"), 404, "document_not_found")
    problem_in(
        api.client.get(f"/v1/documents/{document['id']}/content?format=text"), 404, "document_not_found"
    )
    retried = api.client.post(f"/v1/documents/{document['id']}/retry")
    assert (retried.status_code, retried.json()["status"]) == (202, "pending")
    ready = api.document(collection, key="b.txt", text="Fine.")
    problem_in(api.client.post(f"/v1/documents/{ready['id']}/retry"), 409, "document_not_failed")


def test_lists_are_filtered_and_paged(api: Api) -> None:
    collection = api.collection()
    for number in range(5):
        api.document(collection, key=f"a/{number}.txt", text=f"Text {number}.")
    api.document(collection, key="b/x.pdf", content_base64=base64.b64encode(b"%PDF-1.7 no").decode())
    path = f"/v1/collections/{collection}/documents"
    first = api.client.get(path, params={"key_prefix": "a/", "limit": 3}).json()
    second = api.client.get(
        path, params={"key_prefix": "a/", "limit": 3, "cursor": first["next_cursor"]}
    ).json()
    keys = [document["key"] for page in (first, second) for document in page["data"]]
    assert keys == [f"a/{number}.txt" for number in range(5)]
    assert second["next_cursor"] is None
    failed = api.client.get(path, params={"status": "failed"}).json()["data"]
    assert [document["key"] for document in failed] == ["b/x.pdf"]
    problem = problem_in(api.client.get(path, params={"status": "lost"}), 422, "invalid_request")
    assert pointers(problem) == ["/status"]
    problem_in(api.client.get("/v1/collections/absent/documents"), 404, "collection_not_found")


def test_metadata_is_replaced_and_stays_replaced(api: Api) -> None:
    collection = api.collection()
    document = api.document(collection, key="a.txt", title="Kept", text="Text.", metadata={"old": 1})
    path = f"/v1/documents/{document['id']}"
    changed = api.client.patch(path, json={"metadata": {"new": 2}})
    assert (changed.status_code, changed.json()["metadata"]) == (200, {"new": 2})
    api.work()
    api.worker.reconcile()
    api.work()
    after = api.client.get(path).json()
    assert (after["status"], after["metadata"], after["title"]) == ("ready", {"new": 2}, "Kept")
    assert pointers(problem_in(api.client.patch(path, json={}), 422, "invalid_request")) == ["/metadata"]


def test_a_deleted_document_leaves_nothing(api: Api) -> None:
    collection = api.collection()
    document = api.document(collection, key="a.txt", text="A sentence about zebras.")
    path = f"/v1/documents/{document['id']}"
    deleted = api.client.delete(path)
    assert (deleted.status_code, deleted.json()["status"]) == (202, "deleting")
    found = api.client.post("/v1/search", json={"query": "zebras", "collections": [collection]}).json()
    assert found["data"] == []
    api.work()
    api.worker.reconcile()
    problem_in(api.client.get(path), 404, "document_not_found")
    problem_in(api.client.delete(path), 404, "document_not_found")


@pytest.mark.parametrize("part", ["", "/chunks", "/content", "/content?format=text", "/history"])
def test_unknown_documents(api: Api, part: str) -> None:
    problem_in(api.client.get(f"/v1/documents/doc_none{part}"), 404, "document_not_found")


def test_a_file_cannot_be_the_folder_of_another(api: Api) -> None:
    collection = api.collection()
    api.document(collection, key="a", text="File.")
    path = f"/v1/collections/{collection}/documents"
    problem_in(api.client.post(path, json={"key": "a/b", "text": "Below."}), 409, "key_conflict")


def test_an_attachment_is_a_document_that_follows_its_mail(api: Api) -> None:
    message = EmailMessage()
    message["From"], message["Subject"] = "ana@example.com", "Offer"
    message.set_content("The offer is attached.")
    message.add_attachment(b"Refunds take 30 days.", maintype="text", subtype="plain", filename="a.txt")
    collection = api.collection()
    mail = api.document(
        collection,
        key="mail.eml",
        content_base64=base64.b64encode(message.as_bytes()).decode(),
        media_type="message/rfc822",
    )
    listed = api.client.get(f"/v1/collections/{collection}/documents?key_prefix=mail.eml/").json()["data"]
    assert [(each["key"], each["parent_id"], each["status"]) for each in listed] == [
        ("mail.eml/a.txt", mail["id"], "ready")
    ]
    attachment = f"/v1/documents/{listed[0]['id']}"
    assert api.client.get(f"{attachment}/content").content == b"Refunds take 30 days."
    problem_in(api.client.delete(attachment), 409, "conflicting_source")
    problem_in(api.client.patch(attachment, json={"metadata": {}}), 409, "conflicting_source")
    again = {"key": "mail.eml/a.txt", "text": "Mine."}
    problem_in(
        api.client.post(f"/v1/collections/{collection}/documents", json=again), 409, "conflicting_source"
    )
    assert api.client.delete(f"/v1/documents/{mail['id']}").status_code == 202
    api.work()
    assert api.client.get(attachment).status_code == 404
