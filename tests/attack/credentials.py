"""Credentials that are nobody's, no longer anybody's, or may less than they are used for."""

import base64
import json
import time
from collections.abc import Iterator
from functools import cache
from typing import Any, Protocol

from tests.attack.values import STRINGS
from tests.attack.wire import Case, request
from tests.attack.world import LIBRARY, World
from tests.doubles.token_issuer import signed

_PUBLIC = frozenset({"healthz", "readyz", "receive_upload"})
_READ = frozenset(
    {"search", "explain_search", "create_answer", "give_feedback", "create_summary", "create_generation"}
)


class Operation(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def body(self) -> dict[str, Any] | None: ...


def credentials(world: World, operation: Operation) -> Iterator[Case]:
    if operation.name in _PUBLIC:
        return
    path = _filled(operation, world)
    for header in _wrong(world):
        raw = request(operation.method, path, headers={"Authorization": header}, json_body=operation.body)
        yield Case(kind=f"credential {operation.name}", raw=raw, refused=True)
    yield Case(kind=f"no credential {operation.name}", raw=request(operation.method, path), refused=True)
    if operation.method != "GET" and operation.name not in _READ:
        headers = {"Authorization": f"Bearer {world.mallory.read_only}"}
        raw = request(operation.method, path, headers=headers, json_body=operation.body)
        yield Case(kind=f"read key {operation.name}", raw=raw, refused=True)


def _filled(operation: Operation, world: World) -> str:
    victim = world.others[0].ids | {"name": LIBRARY}
    path = operation.path
    for name, value in victim.items():
        path = path.replace(f"{{{name}}}", value)
    return path


def _wrong(world: World) -> Iterator[str]:
    mallory, victim = world.mallory, world.others[0]
    yield f"Bearer {mallory.revoked}"
    yield f"Bearer {victim.revoked}"
    yield f"Bearer {mallory.key[:-1]}"
    yield f"Bearer {mallory.key}x"
    yield f"Basic {mallory.key}"
    yield "Bearer "
    yield "Bearer \x00"
    yield "Bearer " + "a" * 6_000
    yield from (f"Bearer {token}" for token in _signed())
    yield f"Bearer {_token({'alg': 'none'})}."
    yield f"Bearer {_token({'alg': 'HS256', 'kid': '../../../dev/null'})}.c2lnbmF0dXJl"
    yield f"Bearer {_token({'alg': 'RS256', 'jku': 'http://127.0.0.1:1/'})}.c2lnbmF0dXJl"


@cache
def _signed() -> tuple[str, ...]:
    """Tokens of the issuer that the server trusts, and as if they were, each wrong in one thing."""
    victim = {"tenant": "client-0", "scope": "read write admin"}
    return (
        signed("second", kid="first", **victim),
        signed("second", kid="unknown", **victim),
        signed("second", kid=STRINGS[10], **victim),
        signed("second", kid=None, **victim),
        signed(exp=int(time.time()) - 3_600, **victim),
        signed(nbf=int(time.time()) + 3_600, **victim),
        signed(aud="another", **victim),
        signed(iss="https://another.example", **victim),
        signed(tenant=None, scope="read write admin"),
        signed(tenant=["client-0"], scope="read write admin"),
        signed(tenant=STRINGS[10], scope="read write admin"),
        signed(tenant="client-0", scope=None),
        signed(tenant="client-0", scope={"read": True}),
    )


def _token(head: dict[str, str]) -> str:
    claims = {
        "iss": "https://issuer.example",
        "aud": "acervo",
        "tenant": "client-0",
        "scope": "read write admin",
    }
    parts = (head, {**claims, "exp": 4_000_000_000})
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    )
