"""A server on loopback that keeps OpenAI's embeddings contract, and breaks it on demand."""

import json
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from zlib import crc32

DIMENSIONS = 96
API_KEY = "secret"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the server says instead of the truth."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class EmbeddingsServer:
    """`planned` replies are used up, one a request, before requests are answered truly."""

    base_url: str
    planned: deque[Reply]
    requests: list[Any]


@contextmanager
def embeddings_server() -> Iterator[EmbeddingsServer]:
    planned: deque[Reply] = deque()
    requests: list[Any] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(planned, requests))
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    try:
        yield EmbeddingsServer(
            base_url=f"http://127.0.0.1:{server.server_port}/v1", planned=planned, requests=requests
        )
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(planned: deque[Reply], requests: list[Any]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            requests.append(request)
            self._send(planned.popleft() if planned else self._answer(request))

        def _answer(self, request: Any) -> Reply:
            if self.path != "/v1/embeddings":
                return Reply(status=404)
            if self.headers["Authorization"] != f"Bearer {API_KEY}":
                return Reply(status=401)
            texts: list[str] = request["input"]
            if not all(texts) or any("\0" in text for text in texts):
                return Reply(status=400, body=b"empty text or NUL")
            return Reply(body=body_of(texts))

        def _send(self, reply: Reply) -> None:
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 - the base class names it so
            pass

    return Handler


def body_of(texts: list[str], embed: Callable[[str], list[float]] | None = None) -> bytes:
    """A response body; the items stand in reverse, which their `index` allows."""
    items = [
        {"object": "embedding", "index": index, "embedding": (embed or _bag_of_words)(text)}
        for index, text in enumerate(texts)
    ]
    return json.dumps({"object": "list", "data": items[::-1]}).encode()


def _bag_of_words(text: str) -> list[float]:
    vector = [0.0] * DIMENSIONS
    for word in re.findall(r"\w+|\S", text.casefold()):
        vector[crc32(word.encode()) % DIMENSIONS] += 1.0
    return vector
