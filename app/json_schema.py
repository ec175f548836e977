"""Whether a JSON value follows the structural part of a JSON schema.

Read are type, enum, required, properties, additionalProperties: false and items; every other keyword
is left to the model server, which gets the whole schema.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
}


def check(value: Any, schema: Mapping[str, Any]) -> str | None:
    """The first thing that is wrong, with its JSON pointer; None: nothing."""
    return next(_problems(value, schema, ""), None)


def _problems(value: Any, schema: Any, pointer: str) -> Iterator[str]:
    if not isinstance(schema, Mapping):
        return
    allowed = schema.get("type")
    names = [allowed] if isinstance(allowed, str) else allowed or []
    if names and not any(name in TYPES and TYPES[name](value) for name in names):
        yield f"{pointer or '/'} is not of type {' or '.join(map(str, names))}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{pointer or '/'} is none of the enumerated values"
    if isinstance(value, dict):
        yield from _object_problems(value, schema, pointer)
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from _problems(item, schema.get("items"), f"{pointer}/{place}")


def _object_problems(value: Mapping[str, Any], schema: Mapping[str, Any], pointer: str) -> Iterator[str]:
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{pointer}/{name} is missing"
    for name, item in value.items():
        if name in properties:
            yield from _problems(item, properties[name], f"{pointer}/{name}")
        elif schema.get("additionalProperties") is False:
            yield f"{pointer}/{name} is not allowed"
