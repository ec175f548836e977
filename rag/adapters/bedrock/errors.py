"""What an error of the AWS SDK means to Acervo."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import ceil
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's own, which is not the built-in one
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    InvalidRegionError,
    LoginError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from rag.errors import AcervoError, ModelResponseInvalid, ModelUnavailable, SettingInvalid, Throttled

_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500

_THROTTLED: Final = frozenset(
    {
        "LimitExceededException",
        "RequestLimitExceeded",
        "ServiceQuotaExceededException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
# Some of these come with a status that says otherwise: ModelNotReadyException with 429.
_UNAVAILABLE: Final = frozenset(
    {
        "InternalServerException",
        "ModelErrorException",
        "ModelNotReadyException",
        "ModelStreamErrorException",
        "ModelTimeoutException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailableException",
    }
)
_TOO_LONG: Final = ("Too many input tokens", "Input is too long")
_ACCESS: Final = "let the role call bedrock:InvokeModel on this model, and enable the model in this region"
_CREDENTIALS: Final = "give valid AWS credentials (the environment, a profile or a role)"
_TO_DO: Final = {
    "AccessDeniedException": _ACCESS,
    "ResourceNotFoundException": "name a model that Bedrock has in this region",
    "UnrecognizedClientException": _CREDENTIALS,
    "InvalidSignatureException": _CREDENTIALS,
    "MissingAuthenticationTokenException": _CREDENTIALS,
    "IncompleteSignatureException": _CREDENTIALS,
    "ExpiredToken": _CREDENTIALS,
    "ExpiredTokenException": _CREDENTIALS,
    "OptInRequired": "subscribe the AWS account to Bedrock",
}
# ValidationException is also what a model id gets that this region does not serve as it is.
_MODEL_ID_MESSAGES: Final = {
    "model identifier is invalid": "name a model that Bedrock has in this region",
    "on-demand throughput": "name the model by its inference profile, for example us.<model id>",
}

_UNUSABLE_SETUP: Final = (
    CredentialRetrievalError,
    InvalidRegionError,
    LoginError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)


class QuotaUsedUp(Throttled):
    """`retry_after`: seconds, where the model says how long to wait."""

    def __init__(self, detail: str, *, retry_after: float | None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
        if retry_after is not None:
            self.retry_after_seconds = ceil(retry_after)


class TextTooLong(ModelResponseInvalid):
    """The text is longer than the model reads."""


class MalformedAnswer(ModelResponseInvalid):
    """The model answered, but not as its contract says."""


def translated(error: BotoCoreError | ClientError) -> AcervoError | None:
    """None: not an error that is known here; raise it as it is."""
    if isinstance(error, ClientError):
        return _answered(error)
    if isinstance(error, ConnectionError | HTTPClientError | IncompleteReadError):
        return ModelUnavailable(f"Bedrock does not answer: {error}")
    if isinstance(error, _UNUSABLE_SETUP):
        return SettingInvalid(f"Bedrock cannot be called: {error}; set AWS_DEFAULT_REGION and {_CREDENTIALS}")
    return None


def _answered(error: ClientError) -> AcervoError:
    code, status = _code(error), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    said = f"{code}: {_message(error)}"
    if code in _UNAVAILABLE:
        return ModelUnavailable(f"The Bedrock model fails; {said}")
    if code in _THROTTLED or status == _TOO_MANY_REQUESTS:
        detail = f"The model's quota is used up for now; {said}"
        return QuotaUsedUp(detail, retry_after=_asked_seconds(error))
    if status >= _SERVER_ERROR:
        return ModelUnavailable(f"Bedrock fails with status {status}; {said}")
    if (to_do := _to_do(error)) is not None:
        return SettingInvalid(f"Bedrock refuses the call: {to_do} ({said})")
    if any(part in said for part in _TOO_LONG):
        return TextTooLong(f"The text is longer than the model reads; {said}")
    return ModelResponseInvalid(f"Bedrock refused the request with status {status}; {said}")


def _asked_seconds(error: ClientError) -> float | None:
    """Retry-After, which is seconds or a date."""
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    asked = str(headers.get("retry-after", "")).strip()
    if asked.replace(".", "", 1).isdecimal():
        return float(asked)
    try:
        at = parsedate_to_datetime(asked)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _to_do(error: ClientError) -> str | None:
    message = _message(error)
    by_message = (to_do for part, to_do in _MODEL_ID_MESSAGES.items() if part in message)
    return _TO_DO.get(_code(error)) or next(by_message, None)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _message(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", ""))
