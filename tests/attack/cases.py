"""The hostile requests, by kind, over every operation that the OpenAPI document names."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from tests.attack.credentials import credentials
from tests.attack.filters import filters
from tests.attack.values import BODIES, CONTENT_TYPES, ENCODED, HEADERS, METHODS, STRINGS, VALUES
from tests.attack.wire import Case, request
from tests.attack.world import LIBRARY, World

_JSON: Final = "application/json"
# What the attacker has is not removed before the last case: later ones would all meet a 404.
_NOTHING: Final = {"name": "nothing"}
_SLOWER: Final = frozenset({"create_answer", "create_summary", "create_generation", "create_document"})
# What an operation takes, where its schema does not say it by itself.
_BODIES: Final[Mapping[str, dict[str, Any]]] = {
    "create_collection": {
        "name": "hostile",
        "description": "d",
        "language": "auto",
        "chunking": {},
        "metadata": {},
    },
    "update_collection": {"description": "d", "metadata": {}},
    "create_document": {
        "key": "h.md",
        "title": "t",
        "text": "A text.",
        "metadata": {},
        "media_type": "text/plain",
    },
    "update_document": {"title": "t", "metadata": {}},
    "create_upload": {"key": "u.txt", "media_type": "text/plain", "size": 5},
    "search": {"query": "refunds", "collections": [LIBRARY], "top_k": 3, "mode": "hybrid", "filter": None},
    "explain_search": {"query": "refunds", "document": "library/policy-0.md", "top_k": 3},
    "create_answer": {
        "question": "When are refunds paid?",
        "top_k": 3,
        "conversation_id": None,
        "stream": False,
    },
    "give_feedback": {"rating": "up", "comment": "c"},
    "create_summary": {"document_id": "doc_1", "stream": False},
    "create_generation": {
        "input": "a",
        "instructions": "b",
        "examples": [],
        "json_schema": {},
        "stream": False,
    },
}


@dataclass(frozen=True, kw_only=True)
class Operation:
    name: str
    method: str
    path: str
    query: tuple[str, ...]
    takes_body: bool

    @property
    def limit(self) -> float:
        return 10.0 if self.name in _SLOWER else 5.0

    @property
    def body(self) -> dict[str, Any] | None:
        return _BODIES.get(self.name) if self.takes_body else None


def operations(document: Mapping[str, Any]) -> list[Operation]:
    return [
        Operation(
            name=operation["operationId"],
            method=method.upper(),
            path=path,
            query=tuple(each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"),
            takes_body="requestBody" in operation,
        )
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


def cases(world: World, document: Mapping[str, Any]) -> list[Case]:
    """At least 1,500; the same for every run over the same routes."""
    found: list[Case] = []
    for operation in operations(document):
        for make in (_paths, _queries, _fields, _bodies, _headers, _methods, _foreign, credentials, _wire):
            found += make(world, operation)
    return [*found, *filters(world), *_fuzzy_keys(world)]


def filled(operation: Operation, ids: Mapping[str, str]) -> str:
    return re.sub(r"{(\w+)}", lambda match: ids.get(match[1], LIBRARY), operation.path)


def _case(world: World, operation: Operation, kind: str, path: str = "", **given: Any) -> Case:
    headers = {**world.mallory.headers, **given.pop("headers", {})}
    if "body" not in given and "json_body" not in given:
        given["json_body"] = operation.body
    end = given.pop("end", "read")
    raw = request(
        operation.method, path or filled(operation, _ids(operation, world)), headers=headers, **given
    )
    return Case(kind=f"{kind} {operation.name}", raw=raw, limit=operation.limit, end=end)


def _ids(operation: Operation, world: World) -> Mapping[str, str]:
    return _NOTHING if operation.method == "DELETE" else world.mallory.ids


def _escaped(value: str) -> str:
    return quote(value.encode("utf-8", "surrogatepass"), safe="")


def _paths(world: World, operation: Operation) -> Iterator[Case]:
    for name in re.findall(r"{(\w+)}", operation.path):
        for value in (*map(_escaped, STRINGS), *ENCODED):
            path = operation.path.replace(f"{{{name}}}", value)
            yield _case(world, operation, "path", path)


def _queries(world: World, operation: Operation) -> Iterator[Case]:
    path = filled(operation, world.mallory.ids)
    for name in operation.query:
        for value in (*map(_escaped, STRINGS), *ENCODED):
            yield _case(world, operation, "query", f"{path}?{name}={value}")
        yield _case(world, operation, "query twice", f"{path}?{name}=1&{name}=2&{name}[]=3")
    yield _case(world, operation, "long query", f"{path}?{'a=b&' * 8_000}")


def _fields(world: World, operation: Operation) -> Iterator[Case]:
    for name in operation.body or ():
        for value in VALUES:
            yield _case(
                world, operation, f"field {name} of", json_body={**(operation.body or {}), name: value}
            )


def _bodies(world: World, operation: Operation) -> Iterator[Case]:
    if not operation.takes_body:
        return
    for body in BODIES:
        yield _case(world, operation, "body", body=body, headers={"Content-Type": _JSON})
    for content_type in CONTENT_TYPES:
        yield _case(world, operation, "content type", headers={"Content-Type": content_type})
    for body in _forms():
        content_type = "multipart/form-data; boundary=b"
        yield _case(world, operation, "multipart", body=body, headers={"Content-Type": content_type})
    yield _case(
        world, operation, "too large", headers={"Content-Length": "99999999999"}, json_body={}, end="half"
    )
    yield _case(world, operation, "length", headers={"Content-Length": "-1"}, json_body={})


def _forms() -> Iterator[bytes]:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename='
    yield b"--b--\r\n"
    yield b"--b"
    yield b"--b\r\n\r\n\r\n--b--\r\n"
    yield head + b'"a.txt"\r\n\r\nno end'
    for name in (b"../../x.txt", b"a\x00.txt", b"\xff\xfe", b"n" * 5000, b'a";name="key', b"", b"CON"):
        yield head + b'"' + name + b'"\r\n\r\nA text.\r\n--b--\r\n'
    yield b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n' * 1500 + b"--b--\r\n"
    yield b"--b\r\n" + b"X-A: b\r\n" * 3000 + b"\r\n\r\n--b--\r\n"
    yield head + b'"a.txt"\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!\r\n--b--\r\n'


def _headers(world: World, operation: Operation) -> Iterator[Case]:
    for headers in HEADERS:
        end = "half" if {"Transfer-Encoding", "Upgrade"} & headers.keys() else "read"
        yield _case(world, operation, "header", headers=headers, end=end)
    for path in (world.mallory.ids["document_id"],):
        yield _case(world, operation, "giant header", headers={"X-A": path * 3_000})


def _methods(world: World, operation: Operation) -> Iterator[Case]:
    if operation.method != "GET":
        return
    for method in METHODS:
        path = filled(operation, _NOTHING if method == "DELETE" else {})
        raw = request(method, path, headers=world.mallory.headers)
        yield Case(kind=f"method {operation.name}", raw=raw)


def _foreign(world: World, operation: Operation) -> Iterator[Case]:
    if "{" not in operation.path or operation.name == "receive_upload":
        return
    for victim in world.others[:3]:
        ids = {**victim.ids, "name": f"{victim.name}"}
        yield _case(world, operation, "foreign id", filled(operation, ids))


def _wire(world: World, operation: Operation) -> Iterator[Case]:
    """Clients that leave, stay silent or say half; and the same request many times at once."""
    path = filled(operation, _ids(operation, world))
    whole = request(operation.method, path, headers=world.mallory.headers, json_body=operation.body)
    kind = operation.name
    yield Case(kind=f"leaves {kind}", raw=whole, end="leave")
    yield Case(kind=f"half closed {kind}", raw=whole[: len(whole) // 2], end="half")
    yield Case(kind=f"slow {kind}", raw=whole, end="slow")
    if operation.body and "stream" in operation.body:
        streamed = request(
            "POST", path, headers=world.mallory.headers, json_body={**operation.body, "stream": True}
        )
        yield from [Case(kind=f"leaves the stream of {kind}", raw=streamed, end="leave")] * 5
    if operation.method == "POST":
        headers = {**world.mallory.headers, "Idempotency-Key": f"same-{kind}"}
        same = request("POST", path, headers=headers, json_body=operation.body)
        yield from [Case(kind=f"at once {kind}", raw=same, limit=10)] * 8
        other = request(
            "POST", path, headers=headers, json_body={**(operation.body or {}), "metadata": {"x": 1}}
        )
        yield Case(kind=f"key of another body {kind}", raw=other, limit=10)


def _fuzzy_keys(world: World) -> Iterator[Case]:
    """Keys of documents, which become paths of files."""
    for value in STRINGS:
        body = {"key": value, "text": "A text."}
        raw = request(
            "POST", f"/v1/collections/{LIBRARY}/documents", headers=world.mallory.headers, json_body=body
        )
        yield Case(kind="document key", raw=raw, limit=10)
