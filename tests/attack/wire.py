"""One hostile exchange over a socket of its own: bytes are sent as they are."""

import http.client
import json
import socket
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, Final, Literal

from tests.attack.judge import Answer

# When nobody waits any longer, seconds.
GIVEN_UP: Final = 15.0
_MOST_READ: Final = 4_000_000


@dataclass(frozen=True, kw_only=True)
class Case:
    """`end`: `leave` is gone before the answer, `half` closes its sending side, `slow` sends byte by byte."""

    kind: str
    raw: bytes
    end: Literal["read", "leave", "half", "slow"] = "read"
    limit: float = 5.0
    refused: bool = False


def request(
    method: str,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    json_body: Any = None,
) -> bytes:
    """A well-formed request around whatever the path and the headers are."""
    given = {"Host": "127.0.0.1", "Connection": "close", **(headers or {})}
    if json_body is not None:
        body = json.dumps(json_body).encode()
        given.setdefault("Content-Type", "application/json")
    if body or method in {"POST", "PUT", "PATCH"}:
        given.setdefault("Content-Length", str(len(body)))
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items()), "", ""]
    return "\r\n".join(lines).encode("utf-8", "surrogatepass") + body


def exchange(port: int, case: Case) -> Answer:
    started = time.monotonic()
    try:
        with closing(socket.create_connection(("127.0.0.1", port), timeout=GIVEN_UP)) as connection:
            status, text = _spoken(connection, case)
    except TimeoutError:
        status, text = -1, ""
    except OSError:
        status, text = 0, ""
    return Answer(status=status, seconds=time.monotonic() - started, text=text)


def _spoken(connection: socket.socket, case: Case) -> tuple[int, str]:
    if case.end == "slow":
        for position in range(min(len(case.raw), 20)):
            connection.sendall(case.raw[position : position + 1])
            time.sleep(0.05)
        return 0, ""
    with suppress(BrokenPipeError, ConnectionResetError):  # it may have answered before it read all
        connection.sendall(case.raw)
    if case.end == "leave":
        return 0, ""
    if case.end == "half":
        connection.shutdown(socket.SHUT_WR)
    return _read(connection, case)


def _read(connection: socket.socket, case: Case) -> tuple[int, str]:
    method = case.raw.partition(b" ")[0].decode("latin-1")
    answer = http.client.HTTPResponse(connection, method=method)
    try:
        answer.begin()
        body = answer.read(_MOST_READ)
    except http.client.HTTPException:
        return 0, ""
    heads = "\n".join(f"{name}: {value}" for name, value in answer.getheaders())
    return answer.status, f"{heads}\n{body.decode('utf-8', 'replace')}"
