"""What the SDK's own errors become."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from rag.adapters.bedrock.client import bedrock_runtime
from rag.adapters.bedrock.errors import QuotaUsedUp, translated
from rag.errors import ModelResponseInvalid, ModelUnavailable, SettingInvalid, Throttled

URL = "http://127.0.0.1"


def answered(code: str, status: int, message: str = "words", **headers: str) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers},
    }
    return ClientError(response, "InvokeModel")


TRANSLATIONS: list[tuple[BotoCoreError | ClientError, type[Exception]]] = [
    (answered("ThrottlingException", 429), Throttled),
    (answered("TooManyRequestsException", 429), Throttled),
    (answered("ServiceQuotaExceededException", 400), Throttled),
    (answered("429", 429), Throttled),
    (answered("ModelNotReadyException", 429), ModelUnavailable),
    (answered("ModelTimeoutException", 408), ModelUnavailable),
    (answered("ModelErrorException", 424), ModelUnavailable),
    (answered("ServiceUnavailableException", 503), ModelUnavailable),
    (answered("InternalServerException", 500), ModelUnavailable),
    (answered("504", 504), ModelUnavailable),
    (answered("AccessDeniedException", 403), SettingInvalid),
    (answered("ResourceNotFoundException", 404), SettingInvalid),
    (answered("ExpiredTokenException", 403), SettingInvalid),
    (answered("ValidationException", 400, "The provided model identifier is invalid."), SettingInvalid),
    (answered("ValidationException", 400), ModelResponseInvalid),
    (answered("NewException", 418), ModelResponseInvalid),
    (ConnectTimeoutError(endpoint_url=URL), ModelUnavailable),
    (ReadTimeoutError(endpoint_url=URL), ModelUnavailable),
    (EndpointConnectionError(endpoint_url=URL), ModelUnavailable),
    (ConnectionClosedError(endpoint_url=URL), ModelUnavailable),
    (ResponseStreamingError(error="cut off"), ModelUnavailable),
    (NoCredentialsError(), SettingInvalid),
    (NoRegionError(), SettingInvalid),
    (PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"), SettingInvalid),
]


@pytest.mark.parametrize(("error", "meaning"), TRANSLATIONS, ids=lambda value: repr(value)[:60])
def test_each_error_has_its_meaning(error: BotoCoreError | ClientError, meaning: type[Exception]) -> None:
    assert isinstance(translated(error), meaning)


def test_what_is_not_known_is_left_alone() -> None:
    assert translated(ParamValidationError(report="a mistake of ours")) is None


def test_the_model_says_how_long_to_wait() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    asked = {"7": 7.0, "1.5": 1.5, soon: pytest.approx(20, abs=2), "when I please": None, "-1": None}
    for words, seconds in asked.items():
        failure = translated(answered("ThrottlingException", 429, **{"retry-after": words}))
        assert isinstance(failure, QuotaUsedUp)
        assert failure.retry_after == seconds


def test_without_a_word_the_caller_waits_as_usual() -> None:
    failure = translated(answered("ThrottlingException", 429))
    assert isinstance(failure, QuotaUsedUp)
    assert failure.retry_after_seconds == Throttled.retry_after_seconds


def test_a_client_without_a_region_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(SettingInvalid, match="AWS_DEFAULT_REGION"):
        bedrock_runtime(connections=1)
