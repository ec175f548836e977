"""JSON values that a request may carry and PostgreSQL can keep."""

import json
import math
from typing import Any

from rag.errors import InvalidRequest

MAX_OBJECT_DEPTH = 32
MAX_OBJECT_BYTES = 65_536


def is_storable(text: str) -> bool:
    """PostgreSQL has neither NUL nor lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def escape_pointer(part: str) -> str:
    """One reference token of a JSON pointer (RFC 6901); half a surrogate pair becomes a question mark."""
    return part.replace("~", "~0").replace("/", "~1").encode(errors="replace").decode()


def check_object(value: dict[str, Any], pointer: str) -> None:
    """An object of the caller's own making: metadata, a JSON schema. Raises InvalidRequest."""
    _check_values(value, pointer)
    if len(json.dumps(value, ensure_ascii=False).encode()) > MAX_OBJECT_BYTES:
        raise InvalidRequest(f"At most {MAX_OBJECT_BYTES // 1024} KB are kept here.", pointer=pointer)


def _check_values(value: Any, pointer: str, depth: int = 0) -> None:
    if depth > MAX_OBJECT_DEPTH:
        raise InvalidRequest(f"Values nest at most {MAX_OBJECT_DEPTH} deep.", pointer=pointer)
    if isinstance(value, dict):
        for name, item in value.items():
            inner = f"{pointer}/{escape_pointer(name)}"
            _check_text(name, inner)
            _check_values(item, inner, depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_values(item, f"{pointer}/{index}", depth + 1)
    elif isinstance(value, str):
        _check_text(value, pointer)
    elif isinstance(value, float) and not math.isfinite(value):
        raise InvalidRequest("The number is out of range.", pointer=pointer)


def _check_text(text: str, pointer: str) -> None:
    if not is_storable(text):
        raise InvalidRequest("A string must not hold NUL or half a surrogate pair.", pointer=pointer)
