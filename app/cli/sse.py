"""Server-sent events out of a response's bytes."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

Event = tuple[str, dict[str, Any]]


def parse_events(chunks: Iterable[bytes]) -> Iterator[Event]:
    """Name and JSON of each event; comments, the heartbeat among them, are passed over."""
    name, data = "message", list[str]()
    for line in _lines(chunks):
        field, _, value = line.partition(":")
        match field:
            case "" if not line:
                if data:
                    yield name, json.loads("\n".join(data))
                name, data = "message", []
            case "event":
                name = value.removeprefix(" ")
            case "data":
                data.append(value.removeprefix(" "))


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    # Not httpx's iter_lines: it splits like str.splitlines, so at U+2028 or U+0085 inside JSON too.
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.removesuffix(b"\r").decode()
