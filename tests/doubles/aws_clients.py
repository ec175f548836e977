"""boto3 as it comes, with nothing of ours in between, on the way to a server on loopback."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config


@contextmanager
def plain_client(service: str, url: str, *, connections: int = 10) -> Iterator[Any]:
    client = boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - the server takes any
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=connections),
    )
    try:
        yield client
    finally:
        client.close()
