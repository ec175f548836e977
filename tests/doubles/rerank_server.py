"""A server on loopback that keeps two contracts of `POST /rerank`, and breaks them on demand."""

import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.doubles.bedrock_rerank import relevance
from tests.doubles.embeddings_server import API_KEY, Reply

MOST_TEXTS = 32


@dataclass(frozen=True, kw_only=True)
class RerankServer:
    """`url` for Text Embeddings Inference's contract, `url`/v1 for Cohere's, Jina's and vLLM's.

    `planned` replies are used up, one a request, before requests are answered truly.
    """

    url: str
    planned: deque[Reply]
    requests: list[Any]


@contextmanager
def rerank_server() -> Iterator[RerankServer]:
    planned: deque[Reply] = deque()
    requests: list[Any] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(planned, requests))
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    try:
        yield RerankServer(url=f"http://127.0.0.1:{server.server_port}", planned=planned, requests=requests)
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
            if self.headers["Authorization"] != f"Bearer {API_KEY}":
                return Reply(status=401)
            answers = {"/rerank": _texts_answer, "/v1/rerank": _documents_answer}
            return answers[self.path](request) if self.path in answers else Reply(status=404)

        def _send(self, reply: Reply) -> None:
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 - the base class names it so
            pass

    return Handler


def _documents_answer(request: Any) -> Reply:
    if request["model"] != "words":
        return Reply(status=404, body=b'{"message": "no such model"}')
    scored = _scored(request["query"], request["documents"])[: request.get("top_n")]
    results = [{"index": index, "relevance_score": score} for index, score in scored]
    return Reply(body=json.dumps({"id": "r", "model": "words", "results": results}).encode())


def _texts_answer(request: Any) -> Reply:
    texts = request["texts"]
    if not texts or not all(texts):
        return Reply(status=400, body=b'{"error": "`texts` cannot be empty", "error_type": "Empty"}')
    if len(texts) > MOST_TEXTS:
        error = {"error": f"batch size {len(texts)} > maximum allowed batch size {MOST_TEXTS}"}
        return Reply(status=413, body=json.dumps({**error, "error_type": "Validation"}).encode())
    scored = _scored(request["query"], texts)
    return Reply(body=json.dumps([{"index": index, "score": score} for index, score in scored]).encode())


def _scored(query: str, texts: list[str]) -> list[tuple[int, float]]:
    """Best first."""
    scored = [(index, relevance(query, text)) for index, text in enumerate(texts)]
    return sorted(scored, key=lambda one: -one[1])
