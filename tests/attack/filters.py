"""Filters at and over every limit, in searches, explanations and answers."""

from collections.abc import Iterator
from typing import Any

from tests.attack.values import STRINGS, VALUES
from tests.attack.wire import Case, request
from tests.attack.world import LIBRARY, World


def largest() -> dict[str, Any]:
    """64 clauses of 256 values, 160 kB: the most that version 1.0.0 takes."""
    return {
        "or": [
            {"field": f"metadata.f{clause}", "op": "in", "value": [f"value{n:03}" for n in range(256)]}
            for clause in range(64)
        ]
    }


def hostile() -> Iterator[Any]:
    yield largest()
    yield {"not": largest()}
    yield {"and": [{"field": "key", "op": "contains", "value": "a"}] * 64}
    yield {"and": [{"field": "key", "op": "contains", "value": "a"}] * 65}
    yield {"field": "key", "op": "in", "value": ["a"] * 257}
    yield {"field": "title", "op": "contains", "value": "%_" * 20_000}
    yield {"field": "metadata." + "a." * 120 + "b", "op": "exists", "value": True}
    for depth in (7, 8, 9, 500):
        nested: Any = {"field": "key", "op": "eq", "value": "a"}
        for _ in range(depth):
            nested = {"not": nested}
        yield nested
    ops: tuple[Any, ...] = (
        "eq",
        "ne",
        "gt",
        "lte",
        "in",
        "contains",
        "starts_with",
        "exists",
        "regex",
        "",
        None,
        [],
    )
    for op in ops:
        for value in VALUES[:12]:
            yield {"field": "metadata.x", "op": op, "value": value}
    for name in STRINGS:
        yield {"field": f"metadata.{name}", "op": "eq", "value": name}
    for time in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59+23:59", "2026-13-01T00:00:00Z", "now"):
        yield {"field": "created_at", "op": "gte", "value": time}


def filters(world: World) -> Iterator[Case]:
    bodies: dict[str, dict[str, Any]] = {
        "/v1/search": {"query": "refunds", "collections": [LIBRARY]},
        "/v1/answers": {"question": "When are refunds paid?", "collections": [LIBRARY]},
        "/v1/search/explain": {"query": "refunds", "document": "library/policy-0.md"},
    }
    for number, given in enumerate(hostile()):
        for path, body in bodies.items():
            if path == "/v1/search" or number < 11:
                raw = request(
                    "POST", path, headers=world.mallory.headers, json_body={**body, "filter": given}
                )
                yield Case(kind=f"filter {path}", raw=raw, limit=5 if path == "/v1/search" else 10)
