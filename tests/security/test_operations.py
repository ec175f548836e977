"""Every published operation: nothing without a credential, nothing beyond its scopes, nothing of others."""

import json
from typing import Any

import httpx
import pytest

from rag.domain.credentials import Scope, new_secret
from tests.app.api.serving import problem_in
from tests.security.closed import MARK, Belongings, Closed, belongings
from tests.security.published import Published, published

PUBLIC = {"healthz", "readyz", "receive_upload"}
UNKNOWN = "unknown-0"
# Where a value in a path or a body names something: a new name has to be said here.
IN_PATHS = {
    "name": "collection",
    "document_id": "document",
    "answer_id": "answer",
    "conversation_id": "conversation",
}
IN_BODIES = {
    "collection": "collection",
    "collections": "collection",
    "document": "document",
    "documents": "document",
    "conversation_id": "conversation",
}


@pytest.fixture(scope="module")
def victim(closed: Closed) -> Belongings:
    return belongings(closed, closed.key("victim"), collection="salaries")


@pytest.fixture(scope="module")
def operations(closed: Closed) -> list[Published]:
    return list(published(closed))


def unknown(operation: Published) -> dict[str, str]:
    return dict.fromkeys(operation.parameters, UNKNOWN)


def test_only_these_are_public(operations: list[Published]) -> None:
    assert {operation.name for operation in operations if operation.public} == PUBLIC


def test_refusals_are_published(operations: list[Published]) -> None:
    for operation in operations:
        expected = {"429"} if operation.public else {"401", "403", "429"}
        assert expected <= operation.statuses, operation.name


@pytest.mark.parametrize(
    "credential",
    [None, "acervo_", "acervo_" + "A" * 43, new_secret(), "a.b.c", "null", "é"],
    ids=["none", "empty", "made-up", "unknown", "no-token", "word", "not-ascii"],
)
def test_nothing_without_a_valid_credential(
    closed: Closed, operations: list[Published], credential: str | None
) -> None:
    headers = {} if credential is None else {b"Authorization": f"Bearer {credential}".encode("latin-1")}
    for operation in operations:
        if not operation.public:
            path = operation.path.format(**unknown(operation))
            response = closed.client.request(operation.method, path, headers=headers)
            problem_in(response, 401, "unauthenticated")
            assert response.headers["www-authenticate"].startswith('Bearer realm="acervo"')


def test_revoked_keys_open_nothing(closed: Closed, operations: list[Published]) -> None:
    secret = closed.key("revoking")
    credentials = closed.backend.store.credentials
    assert closed.request("GET", "/v1/collections", secret).status_code == 200
    (key,) = credentials.list("revoking")
    credentials.revoke("revoking", key.id)
    for operation in operations:
        if not operation.public:
            problem_in(operation.ask(closed, secret, unknown(operation)), 401, "unauthenticated")


@pytest.mark.parametrize("scope", [Scope.READ, Scope.WRITE])
def test_a_scope_opens_its_own_operations_alone(
    closed: Closed, operations: list[Published], scope: Scope
) -> None:
    secret = closed.key(f"only-{scope}", scope)
    for operation in operations:
        response = operation.ask(closed, secret, unknown(operation))
        if operation.public or operation.scopes == (scope,):
            assert response.status_code not in {401, 403}, operation.name
        else:
            problem_in(response, 403, "insufficient_scope")
            assert f'scope="{operation.scopes[0]}"' in response.headers["www-authenticate"]


def test_an_administrator_may_do_everything(closed: Closed, operations: list[Published]) -> None:
    secret = closed.key("administered", Scope.ADMIN)
    for operation in operations:
        response = operation.ask(closed, secret, unknown(operation))
        assert response.status_code not in {401, 403}, operation.name


def test_what_belongs_to_another_tenant_in_a_path_is_not_there(
    closed: Closed, operations: list[Published], victim: Belongings
) -> None:
    intruder = closed.key("intruder")
    for operation in operations:
        if operation.public or not operation.parameters:
            continue
        guessed = {name: getattr(victim, IN_PATHS[name]) for name in operation.parameters}
        told = operation.ask(closed, intruder, guessed)
        assert told.status_code == 404, (operation.name, told.text)
        nothing = operation.ask(closed, intruder, unknown(operation))
        assert comparable(told, guessed) == comparable(nothing, unknown(operation)), operation.name


def test_what_belongs_to_another_tenant_in_a_body_is_not_there(
    closed: Closed, operations: list[Published], victim: Belongings
) -> None:
    intruder = closed.key("intruder-2")
    closed.request("POST", "/v1/collections", intruder, json={"name": "own"}).raise_for_status()
    referring = [(operation, name) for operation in operations for name in operation.fields & set(IN_BODIES)]
    assert {operation.name for operation, _ in referring} >= {"search", "explain_search", "create_answer"}
    for operation, name in referring:
        guessed = getattr(victim, IN_BODIES[name])
        told = operation.ask(closed, intruder, {}, referring_body(operation, name, guessed))
        nothing = operation.ask(closed, intruder, {}, referring_body(operation, name, UNKNOWN))
        assert MARK not in told.text
        assert told.status_code != 422, told.text
        assert told.status_code == nothing.status_code, (operation.name, name)
        assert comparable(told, {name: guessed}) == comparable(nothing, {name: UNKNOWN}), operation.name


def test_bodies_refer_by_these_names_alone(operations: list[Published]) -> None:
    named = {name for operation in operations for name in operation.fields if name.endswith(("_id", "_ids"))}
    assert named <= IN_BODIES.keys()


def test_lists_and_searches_show_nothing_of_another_tenant(
    closed: Closed, operations: list[Published], victim: Belongings
) -> None:
    intruder = closed.key("intruder-3")
    body = {"query": MARK, "question": MARK, "input": MARK}
    for operation in operations:
        if operation.public or operation.parameters or operation.method == "DELETE":
            continue
        asked = {name: value for name, value in body.items() if name in operation.fields}
        response = operation.ask(closed, intruder, {}, asked if operation.fields else None)
        for theirs in (victim.collection, victim.document, victim.answer, victim.conversation):
            assert theirs not in response.text, operation.name


def test_whatever_was_tried_nothing_was_lost(closed: Closed, victim: Belongings) -> None:
    own = closed.key("victim")
    collection = closed.request("GET", f"/v1/collections/{victim.collection}", own).json()
    assert collection["document_count"] == 1
    document = closed.request("GET", f"/v1/documents/{victim.document}", own).json()
    assert (document["status"], document["version"]) == ("ready", 1)
    assert closed.request("GET", f"/v1/answers/{victim.answer}", own).status_code == 200
    assert closed.request("GET", f"/v1/conversations/{victim.conversation}", own).status_code == 200


def referring_body(operation: Published, name: str, value: str) -> dict[str, Any]:
    """Without what may not stand beside it."""
    kept = operation.required | (operation.fields - IN_BODIES.keys())
    example = {key: given for key, given in (operation.example or {}).items() if key in kept}
    return {**example, name: [value] if name in {"collections", "documents"} else value}


def comparable(response: httpx.Response, values: dict[str, str]) -> tuple[int, Any]:
    """Status and body, but for what the caller said itself and what every response has anew."""
    text = response.text
    for value in values.values():
        text = text.replace(value, "…")
    body = json.loads(text) if text else None
    if isinstance(body, dict):
        for volatile in ("request_id", "id", "timings_ms", "expires_at"):
            body.pop(volatile, None)
    return response.status_code, body
