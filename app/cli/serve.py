"""`acervo serve`: the HTTP service in the foreground."""

import signal
import socket
from types import FrameType
from typing import Annotated, NoReturn

from typer import Context, Option

from app.cli.connection import data_directory, settings_errors
from app.cli.exits import ServerUnreachable
from app.cli.options import DataDir

EPILOG = """\b
Examples:
  acervo serve
  acervo serve --port 8123 --data-dir ./demo-data

Documents can be posted to the HTTP API (described at /docs) or dropped into DATA_DIR/documents/COLLECTION/.
Ctrl-C or SIGTERM ends it in order, with exit code 0: documents in hand are finished, the database is stopped.
"""


def serve(
    context: Context,
    *,
    host: Annotated[str, Option("--host", metavar="HOST", help="An address of this machine.")] = "127.0.0.1",
    port: Annotated[int, Option("--port", min=1, max=65535, help="The TCP port.")] = 8000,
    data_dir: DataDir = None,
) -> None:
    """Serve the HTTP API until interrupted."""
    _ensure_free(host, port)
    signal.signal(signal.SIGTERM, _end)
    with settings_errors():
        from app.local import serve as serve_locally

        serve_locally(data_dir=data_directory(context, data_dir), host=host, port=port)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    """Being told to stop is how a service ends well."""
    raise SystemExit(0)


def _ensure_free(host: str, port: int) -> None:
    """Before the database is started, and in words; the server itself would only log it."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise ServerUnreachable(
            f"The server cannot listen on {host}:{port} ({error.strerror}). Name another --port or --host."
        ) from error
