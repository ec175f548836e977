"""boto3 clients of services that run models."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from rag.adapters.aws_errors import unanswered

_CONNECT_SECONDS: Final = 5


def model_client(service: str, name: str, *, read_seconds: float, connections: int = 64) -> Any:
    """`name` is what our errors call the service.

    Region, credentials and endpoint (AWS_ENDPOINT_URL_…) come from where boto3 finds them. Raises
    SettingInvalid where boto3 finds no region. Calls are not repeated: rag/adapters/retry.py does that.
    """
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=read_seconds,
        max_pool_connections=connections,
        retries={"mode": "standard", "total_max_attempts": 1},
        # A prompt of ten passages has a hundred blocks: checking them takes 0.9 of the 7 ms of processor time
        # until the first event, and the service checks them anyway (botocore 1.44, November 2026).
        parameter_validation=False,
    )
    with _translated(name):
        # A session of its own: boto3's shared one is not safe to use from several threads.
        return Session().client(service, config=config)


@contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except BotoCoreError as error:
        if (failure := unanswered(error, name)) is None:
            raise
        raise failure from error
