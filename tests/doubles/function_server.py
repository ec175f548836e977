"""Lambda's Invoke on loopback, in front of a handler of this process.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MAX_PAYLOAD_BYTES = 6_291_556
_PATH = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")


@contextmanager
def function_server(name: str, function: Callable[[Mapping[str, Any]], Any]) -> Iterator[str]:
    """Its URL. What the function raises is answered as Lambda does: status 200 and a header."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            payload = self.rfile.read(int(self.headers["Content-Length"]))
            found = _PATH.fullmatch(self.path)
            if found is None or found[1] != name:
                self._answer(
                    404, {"Message": "Function not found"}, "x-amzn-errortype", "ResourceNotFoundException"
                )
            elif len(payload) > MAX_PAYLOAD_BYTES:
                self._answer(413, {"Message": "too large"}, "x-amzn-errortype", "RequestTooLargeException")
            else:
                self._invoke(json.loads(payload))

        def _invoke(self, event: Mapping[str, Any]) -> None:
            try:
                result = function(event)
            except Exception as error:  # noqa: BLE001 - as the runtime reports whatever a handler raises
                told = {"errorMessage": str(error), "errorType": type(error).__name__}
                self._answer(200, told, "X-Amz-Function-Error", "Unhandled")
            else:
                self._answer(200, result, "X-Amz-Executed-Version", "$LATEST")

        def _answer(self, status: int, content: Any, header: str, value: str) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header(header, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Not a line a request."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
