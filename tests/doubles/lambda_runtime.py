"""Lambda's Runtime API on loopback, and a bundle run under it by awslambdaric as in Lambda.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import os
import queue
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any, ClassVar, Final
from uuid import uuid4

_VERSION: Final = "/2018-06-01/runtime"
_TIMEOUT_SECONDS: Final = 60.0


class FunctionFailed(Exception):
    """The function raised, or could not be started; holds what it reported."""


@dataclass(kw_only=True)
class _Invocation:
    event: Any
    id: str = field(default_factory=lambda: str(uuid4()))
    done: threading.Event = field(default_factory=threading.Event)
    response: bytes = b""
    error: Any = None


class _State:
    """`ready`: the runtime has asked for its first event."""

    def __init__(self) -> None:
        self.waiting: queue.Queue[_Invocation | None] = queue.Queue()
        self.running: dict[str, _Invocation] = {}
        self.ready = threading.Event()
        self.ready_at = 0.0
        self.init_error: Any = None

    def next(self) -> _Invocation | None:
        if not self.ready.is_set():
            self.ready_at = time.perf_counter()
            self.ready.set()
        invocation = self.waiting.get()
        if invocation:
            self.running[invocation.id] = invocation
        return invocation


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are two writes: with Nagle's algorithm the second waits for an acknowledgement.
    disable_nagle_algorithm = True
    state: ClassVar[_State]

    def do_GET(self) -> None:
        invocation = self.state.next()
        if invocation is None:
            self.close_connection = True
            return
        body = json.dumps(invocation.event).encode()
        deadline = int((time.time() + _TIMEOUT_SECONDS) * 1000)
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(deadline),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:111122223333:function:acervo",
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419",
        }
        self._reply(200, body, headers)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        *_, invocation_id, outcome = self.path.split("/")
        if self.path == f"{_VERSION}/init/error":
            self.state.init_error = json.loads(body)
            self.state.ready.set()
        else:
            invocation = self.state.running.pop(invocation_id)
            if outcome == "response":
                invocation.response = body
            else:
                invocation.error = json.loads(body)
            invocation.done.set()
        self._reply(202, b"{}", {})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Not a line a request."""

    def _reply(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A function that is ended in the middle of its long poll resets the connection."""


class LambdaFunction:
    """One execution environment of a function; `started` by time.perf_counter."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", state: _State, log: IO[bytes], started: float
    ) -> None:
        self._process = process
        self._state = state
        self._log = log
        self._started = started

    def wait_until_ready(self) -> float:
        """Seconds from the process's start until it asked for its first event."""
        self._wait(self._state.ready)
        if self._state.init_error:
            raise FunctionFailed(f"{self._state.init_error}\n{self.log()}")
        return self._state.ready_at - self._started

    def invoke(self, event: Mapping[str, Any]) -> Any:
        """What the handler returned. Raises FunctionFailed."""
        invocation = _Invocation(event=event)
        self._state.waiting.put(invocation)
        self._wait(invocation.done)
        if invocation.error:
            raise FunctionFailed(str(invocation.error))
        return json.loads(invocation.response)

    def seconds_alive(self) -> float:
        return time.perf_counter() - self._started

    def log(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def _wait(self, event: threading.Event) -> None:
        give_up = time.monotonic() + _TIMEOUT_SECONDS
        while not event.wait(1.0):
            if self._process.poll() is not None or time.monotonic() > give_up:
                raise FunctionFailed(f"no answer; the function's log:\n{self.log()}")


@contextmanager
def lambda_function(
    bundle: Path, handler: str, *, python: str, runtime: Path, environment: Mapping[str, str]
) -> Iterator[LambdaFunction]:
    """`runtime` is the folder that awslambdaric is installed in; only that and the bundle are importable."""
    state = _State()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"state": state}))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    variables = {
        **_environment(bundle, runtime),
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
        "_HANDLER": handler,
        **environment,
    }
    with tempfile.TemporaryFile() as log:
        started = time.perf_counter()
        command = [python, "-S", "-m", "awslambdaric", handler]
        process = subprocess.Popen(command, cwd=bundle, env=variables, stdout=log, stderr=log)
        try:
            yield LambdaFunction(process, state, log, started)
        finally:
            process.kill()
            process.wait()
            state.waiting.put(None)
            server.shutdown()
            server.server_close()


def _environment(bundle: Path, runtime: Path) -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "PYTHONPATH": f"{bundle}:{runtime}",
        # Nothing can be written in Lambda's folders.
        "PYTHONDONTWRITEBYTECODE": "1",
        "LAMBDA_TASK_ROOT": str(bundle),
        "AWS_LAMBDA_FUNCTION_NAME": "acervo",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        "AWS_LAMBDA_LOG_GROUP_NAME": "acervo",
        "AWS_LAMBDA_LOG_STREAM_NAME": "acervo",
    }
