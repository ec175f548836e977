"""A server on loopback that keeps OpenAI's streaming chat contract; the model's name is its behaviour."""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

API_KEY = "secret"
PIECE = 3  # characters a chunk: every marker comes in pieces
PASSAGE = re.compile(r"<(passage-\w+) (\d+)>\nPassage \d+, from [^\n]*:\n(.*?)\n</\1>", re.DOTALL)
STATUSES = {
    "throttles": 429,
    "unauthorised": 401,
    "missing": 404,
    "down": 503,
    "refuses-request": 400,
    "overflows": 400,
}
MESSAGES = {
    "overflows": "This model's maximum context length is 8192 tokens. Reduce the length of the messages."
}
FINISH_REASONS = {"filters": "content_filter", "runs-out": "length"}


@dataclass(frozen=True, kw_only=True)
class ChatServer:
    """`left` counts the clients that went away before the end."""

    base_url: str
    requests: list[Any]
    left: threading.Semaphore


class _Server(ThreadingHTTPServer):
    # Of a hundred clients that come at once, the default of 5 turns some away.
    request_queue_size = 256


@contextmanager
def chat_server() -> Iterator[ChatServer]:
    requests, left = list[Any](), threading.Semaphore(0)
    server = _Server(("127.0.0.1", 0), _handler(requests, left))
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    try:
        base_url = f"http://127.0.0.1:{server.server_port}/v1"
        yield ChatServer(base_url=base_url, requests=requests, left=left)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(requests: list[Any], left: threading.Semaphore) -> type[BaseHTTPRequestHandler]:
    class Handler(_ChatHandler):
        received = requests
        gone = left

    return Handler


class _ChatHandler(BaseHTTPRequestHandler):
    received: ClassVar[list[Any]]
    gone: ClassVar[threading.Semaphore]

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.received.append(request)
        status = self._status(request)
        if status != 200:
            self._refuse(status, MESSAGES.get(request["model"], f"no: {status}"))
            return
        try:
            self._answer(request)
        except ConnectionError:
            self.gone.release()

    def _answer(self, request: Any) -> None:
        if request["model"] == "silent":
            self._say_nothing()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self._stream(request)

    def _status(self, request: Any) -> int:
        if self.headers["Authorization"] != f"Bearer {API_KEY}":
            return 401
        return STATUSES.get(request["model"], 200 if self.path == "/v1/chat/completions" else 404)

    def _refuse(self, status: int, message: str) -> None:
        body = json.dumps({"error": {"message": message}}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Retry-After", "7")
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, request: Any) -> None:
        text = reply(request)
        for start in range(0, len(text), PIECE):
            self._send(_chunk({"content": text[start : start + PIECE]}))
        if request["model"] == "stalls":
            self._say_nothing()
        elif request["model"] == "fails-midway":
            self._send({"error": {"message": "the model crashed"}})
        elif request["model"] != "breaks-off":
            self._send(_chunk({}, finish_reason=FINISH_REASONS.get(request["model"], "stop")))
            self._send({**_chunk({}), "choices": [], "usage": _usage(request, text)})
            self.wfile.write(b"data: [DONE]\n\n")

    def _say_nothing(self) -> None:
        """For a minute at most."""
        self.connection.settimeout(60)
        if self.connection.recv(1) == b"":
            raise ConnectionAbortedError

    def _send(self, event: Mapping[str, Any]) -> None:
        self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())

    def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 - the base class names it so
        pass


def _chunk(delta: Mapping[str, str], finish_reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": finish_reason}
    return {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}


def _usage(request: Any, text: str) -> dict[str, int]:
    prompt = sum(len(message["content"].split()) for message in request["messages"])
    completion = len(text.split())
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def reply(request: Any) -> str:
    """What the model writes, computed from what it was sent."""
    model, asked = request["model"], request["messages"][-1]["content"]
    if model in {"filters", "empty"}:
        return ""
    if model == "counts-words":
        return json.dumps({"words": len(asked.split()), "messages": len(request["messages"])})
    if model == "repeats":
        return "\n".join(f"{message['role']}: {message['content']}" for message in request["messages"])
    return _grounded(model, asked)


def _grounded(model: str, asked: str) -> str:
    found = _best_sentence(asked)
    if found is None:
        return "INSUFFICIENT_EVIDENCE"
    number, sentence = found
    misquote = " ".join(sentence.split()[::-1])
    if model == "misquotes":
        return f'{sentence} [{number}: "{misquote}"]'
    proved = f'{sentence} [{number}: "{sentence}"]'
    return f'{proved} And this is made up. [{number}: "{misquote}"]' if model == "adds" else proved


def _best_sentence(asked: str) -> tuple[int, str] | None:
    """The sentence that shares most words with the question, if it shares any long one."""
    question = _words(asked.rpartition("Question: ")[2])
    sentences = [
        (len(question & _words(sentence)), int(number), sentence)
        for _, number, text in PASSAGE.findall(asked)
        for sentence in re.findall(r"[^.!?]+[.!?]", " ".join(text.split()))
    ]
    shared, number, sentence = max(sentences, default=(0, 0, ""), key=lambda found: (found[0], -found[1]))
    return (number, sentence.strip()) if shared else None


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"\w+", text.casefold()) if len(word) > 3}
