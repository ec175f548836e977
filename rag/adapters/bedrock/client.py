"""The one place that makes a Bedrock Runtime client."""

from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from rag.adapters.bedrock.errors import translated

_CONNECT_SECONDS: Final = 5
_READ_SECONDS: Final = 20


def bedrock_runtime(*, connections: int) -> Any:
    """Region, credentials and endpoint (AWS_ENDPOINT_URL_BEDROCK_RUNTIME) come from where boto3 finds them.

    Raises SettingInvalid where boto3 finds no region.
    """
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        max_pool_connections=connections,
        # The limiter decides when a call is made again.
        retries={"mode": "standard", "total_max_attempts": 1},
        # Calls here all have one shape; checking it and composing the long user agent anew for each
        # takes 0.2 of 1.3 ms of a call's processor time (botocore 1.44, November 2026).
        parameter_validation=False,
        user_agent=f"Acervo Boto3/{boto3.__version__}",
    )
    try:
        return boto3.Session().client("bedrock-runtime", config=config)
    except BotoCoreError as error:
        if (failure := translated(error)) is None:
            raise
        raise failure from error
