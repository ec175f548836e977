"""Errors as SageMaker Runtime words them: its own, and those of the container behind an endpoint."""

import json
from collections.abc import Mapping
from typing import Any, Final

from tests.doubles.aws_http import Reply

ACCOUNT: Final = "123456789012"
_LOGS: Final = (
    "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1"
    "#logEventViewer:group=/aws/sagemaker/Endpoints/endpoint"
)


def sagemaker_failure(
    status: int, code: str, message: str, *, retry_after: str | None = None, **members: Any
) -> Reply:
    headers = {"x-amzn-ErrorType": f"{code}:http://internal.amazon.com/coral/com.amazon.sagemaker/"}
    if retry_after is not None:
        headers["Retry-After"] = retry_after
    return Reply(status=status, headers=headers, body=json.dumps({"Message": message, **members}).encode())


def container_error(status: int, body: Mapping[str, Any]) -> Reply:
    """ModelError: the container answered with this status and body."""
    said = json.dumps(body)
    fault = "client error" if status < 500 else "server error"
    return sagemaker_failure(
        424,
        "ModelError",
        f'Received {fault} ({status}) from primary with message "{said}". '
        f"See {_LOGS} in account {ACCOUNT} for more information.",
        OriginalStatusCode=status,
        OriginalMessage=said,
        LogStreamArn=f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/sagemaker/Endpoints/endpoint",
    )
