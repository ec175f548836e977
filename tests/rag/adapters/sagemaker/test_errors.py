"""What the errors of SageMaker's runtime become."""

from typing import Any

import pytest
from botocore.eventstream import ChecksumMismatch
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    EventStreamError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)
from urllib3 import HTTPConnectionPool
from urllib3.exceptions import ProtocolError
from urllib3.exceptions import ReadTimeoutError as StreamTimeout

from rag.adapters.aws_errors import ModelTimedOut, QuotaUsedUp
from rag.adapters.sagemaker.errors import translated
from rag.errors import (
    ContextTooLong,
    ModelResponseInvalid,
    ModelStarting,
    ModelUnavailable,
    SettingInvalid,
    Throttled,
)

URL = "http://127.0.0.1"
NO_CAPACITY = (
    "Inference Component has no capacity to process this request. ApplicationAutoScaling may be in-progress"
    " (if configured) or try to increase the capacity by invoking UpdateInferenceComponentRuntimeConfig API."
)
VLLM_TOO_LONG = (
    'Received client error (400) from primary with message "{"error":{"message":"This model\'s maximum'
    ' context length is 4096 tokens. However, you requested 5000 tokens","code":400}}".'
)


def answered(code: str, status: int, message: str = "words", **members: Any) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}},
        **members,
    }
    return ClientError(response, "InvokeEndpoint")


def of_the_model(status: int, message: str = "words") -> ClientError:
    return answered("ModelError", 424, message, OriginalStatusCode=status, OriginalMessage=message)


def broken_off(code: str, **members: str) -> EventStreamError:
    response: Any = {"Error": {"Code": code, "Message": "words"}, **members}
    return EventStreamError(response, "InvokeEndpointWithResponseStream")


TRANSLATIONS: list[tuple[Exception, type[Exception]]] = [
    (answered("ValidationError", 400, NO_CAPACITY), ModelStarting),
    (answered("ModelNotReadyException", 429), ModelStarting),
    (answered("ValidationError", 400, "Endpoint x of account 123456789012 not found."), SettingInvalid),
    (answered("ValidationError", 400, "Inference Component Name header is required"), SettingInvalid),
    (answered("ValidationError", 400), ModelResponseInvalid),
    (answered("ThrottlingException", 400), Throttled),
    (answered("429", 429), Throttled),
    (answered("ServiceUnavailable", 503), ModelUnavailable),
    (answered("InternalFailure", 500), ModelUnavailable),
    (answered("InternalDependencyException", 530), ModelUnavailable),
    (answered("AccessDeniedException", 403), SettingInvalid),
    (answered("UnrecognizedClientException", 403), SettingInvalid),
    (answered("ExpiredTokenException", 403), SettingInvalid),
    (of_the_model(0, "Amazon SageMaker could not get a response from the x endpoint."), ModelUnavailable),
    (of_the_model(500), ModelUnavailable),
    (of_the_model(503), ModelUnavailable),
    (of_the_model(424), ModelUnavailable),
    (of_the_model(429), QuotaUsedUp),
    (of_the_model(404), SettingInvalid),
    (of_the_model(413), ModelResponseInvalid),
    (of_the_model(400), ModelResponseInvalid),
    (of_the_model(400, VLLM_TOO_LONG), ContextTooLong),
    (answered("ModelError", 424), ModelUnavailable),
    (broken_off("ModelStreamError", ErrorCode="StreamBroken"), ModelUnavailable),
    (broken_off("InternalStreamFailure"), ModelUnavailable),
    (ReadTimeoutError(endpoint_url=URL), ModelTimedOut),
    (EndpointConnectionError(endpoint_url=URL), ModelUnavailable),
    (NoCredentialsError(), SettingInvalid),
    (StreamTimeout(HTTPConnectionPool("127.0.0.1"), "/", "Read timed out."), ModelTimedOut),
    (ProtocolError("Connection broken"), ModelUnavailable),
    (ChecksumMismatch(1, 2), ModelResponseInvalid),
]


@pytest.mark.parametrize(("error", "meaning"), TRANSLATIONS, ids=lambda value: repr(value)[:80])
def test_each_error_has_its_meaning(error: Exception, meaning: type[Exception]) -> None:
    with pytest.raises(meaning) as raised, translated():
        raise error
    assert raised.value.__cause__ is error


def test_what_is_not_known_is_left_alone() -> None:
    mistake: BotoCoreError = ParamValidationError(report="a mistake of ours")
    with pytest.raises(ParamValidationError), translated():
        raise mistake


def test_starting_takes_a_minute() -> None:
    with pytest.raises(ModelStarting) as raised, translated():
        raise answered("ValidationError", 400, NO_CAPACITY)
    assert raised.value.retry_after_seconds >= 60


def test_too_long_a_prompt_says_what_to_do_and_nothing_of_the_account() -> None:
    with pytest.raises(ContextTooLong) as raised, translated():
        raise of_the_model(400, f"{VLLM_TOO_LONG} See … in account 123456789012 for more information.")
    assert "top_k" in raised.value.detail
    assert "123456789012" not in raised.value.detail
