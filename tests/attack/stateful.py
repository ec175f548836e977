"""Attacks of several steps: uploads sent twice, and sockets by the hundred that say nothing."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any, Final

from tests.attack.judge import Judge
from tests.attack.wire import Case, exchange, request
from tests.attack.world import LIBRARY, World

_SOCKETS: Final = 300
_HELD_SECONDS: Final = 3.0
_BODY: Final = b"12345"


def uploads(world: World, judge: Judge) -> None:
    """A grant is of one use, for its bytes and its type; whatever else is refused."""
    path = _granted(world)
    if path is None:
        judge.note("slow", "upload", "no grant was given")
        return
    for kind, sent in _refused_uploads(path):
        _look(world, judge, Case(kind=kind, raw=sent, refused=True))
    whole = _upload(path)
    _look(world, judge, Case(kind="upload", raw=whole, limit=10))
    for _ in range(3):
        _look(world, judge, Case(kind="upload again", raw=whole, refused=True))


def silent_sockets(world: World, judge: Judge) -> None:
    """Headers that never end, bodies that never come, and nothing at all; others are served meanwhile."""
    begun = request("POST", "/v1/search", headers=world.mallory.headers, json_body={"query": "x" * 100})
    says = (b"", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ", begun[:-50])
    asked = request("GET", f"/v1/collections/{LIBRARY}", headers=world.others[0].headers)
    with ExitStack() as held:
        for number in range(_SOCKETS):
            with suppress(OSError):
                connection = socket.create_connection(("127.0.0.1", world.port), timeout=5)
                held.enter_context(connection)
                connection.sendall(says[number % len(says)])
        until = time.monotonic() + _HELD_SECONDS
        while time.monotonic() < until:
            _look(world, judge, Case(kind="others beside silent sockets", raw=asked), own=False)
            time.sleep(0.1)


def _look(world: World, judge: Judge, case: Case, *, own: bool = True) -> None:
    answer = exchange(world.port, case)
    # What the other tenant reads itself is its own.
    sent = case.raw.decode("latin-1") if own else answer.text
    judge.look(case.kind, sent, answer, limit=case.limit, refused=case.refused)
    if not own and answer.status != 200:
        judge.note("slow", case.kind, f"answered by {answer.status}")


def _granted(world: World) -> str | None:
    body: dict[str, Any] = {"key": "granted.txt", "media_type": "text/plain", "size": len(_BODY)}
    path = f"/v1/collections/{LIBRARY}/uploads"
    # A hostile request before may have deleted the attacker's own collection.
    again = request("POST", "/v1/collections", headers=world.mallory.headers, json_body={"name": LIBRARY})
    exchange(world.port, Case(kind="grant", raw=again))
    raw = request("POST", path, headers=world.mallory.headers, json_body=body)
    answer = exchange(world.port, Case(kind="grant", raw=raw))
    if answer.status != 201:
        return None
    url: str = json.loads(answer.text.rpartition("\n")[2])["url"]
    return "/" + url.partition("://")[2].partition("/")[2]


def _refused_uploads(path: str) -> Iterator[tuple[str, bytes]]:
    yield "upload of more", _upload(path, body=_BODY * 2)
    yield "upload of less", _upload(path, body=_BODY[:2])
    yield "upload of another type", _upload(path, media_type="text/html")
    for tampered in (f"{path}x", path[:-1], f"{path[:-4]}AAAA", f"{path}/../x", f"{path}%00"):
        yield "upload with another token", _upload(tampered)


def _upload(path: str, *, body: bytes = _BODY, media_type: str = "text/plain") -> bytes:
    return request("PUT", path, headers={"Content-Type": media_type}, body=body)
