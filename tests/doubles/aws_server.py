"""moto's own server of AWS on loopback: many services, a foreign reading of each."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.config import Config
from moto.server import ThreadedMotoServer

from tests.doubles.s3_server import session


class AwsServer:
    def __init__(self, endpoint_url: str) -> None:
        self.endpoint_url = endpoint_url

    def client(self, service: str) -> Any:
        return session().client(
            service, endpoint_url=self.endpoint_url, config=Config(retries={"total_max_attempts": 1})
        )


@contextmanager
def aws_server() -> Iterator[AwsServer]:
    """Its state is one for the whole process: names must be a test's own."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield AwsServer(f"http://{host}:{port}")
    finally:
        server.stop()
