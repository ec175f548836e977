"""Messages of application/vnd.amazon.eventstream: prelude, headers, payload, checksums."""

import json
from collections.abc import Mapping
from struct import pack
from typing import Any, Final
from zlib import crc32

CONTENT_TYPE: Final = "application/vnd.amazon.eventstream"

_STRING: Final = 7
_FRAME: Final = 16  # the prelude of twelve bytes and the checksum of the message
_PADDING: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message; all its headers are strings."""
    encoded = b"".join(_header(name, value) for name, value in headers.items())
    lengths = pack("!II", _FRAME + len(encoded) + len(payload), len(encoded))
    unchecked = lengths + pack("!I", crc32(lengths)) + encoded + payload
    return unchecked + pack("!I", crc32(unchecked))


def event(name: str, payload: bytes, content_type: str = "application/json") -> bytes:
    headers = {":event-type": name, ":content-type": content_type, ":message-type": "event"}
    return message(headers, payload)


def padded_event(name: str, body: Mapping[str, Any]) -> bytes:
    """As Bedrock sends it: a member `p` hides the payload's length from who only sees the ciphertext."""
    text = json.dumps(body, ensure_ascii=False)
    padding = _PADDING[: 1 + crc32(text.encode("utf-8", "replace")) % len(_PADDING)]
    return event(name, json.dumps({**body, "p": padding}, separators=(",", ":")).encode())


def exception(name: str, body: Mapping[str, Any]) -> bytes:
    headers = {
        ":exception-type": name,
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    return message(headers, json.dumps(body).encode())


def _header(name: str, value: str) -> bytes:
    encoded = value.encode()
    return pack("!B", len(name)) + name.encode() + pack("!BH", _STRING, len(encoded)) + encoded
