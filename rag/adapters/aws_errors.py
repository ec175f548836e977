"""What the errors of AWS's model services have in common."""

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
    ReadTimeoutError,
    SSOError,
    TokenRetrievalError,
)

from rag.errors import AcervoError, ModelUnavailable, SettingInvalid, Throttled

TOO_MANY_REQUESTS: Final = 429
SERVER_ERROR: Final = 500
CREDENTIALS: Final = "give valid AWS credentials (the environment, a profile or a role)"
# By the error's code: what is to be done about credentials that a service does not accept.
CREDENTIALS_TO_DO: Final = {
    "UnrecognizedClientException": CREDENTIALS,
    "InvalidSignatureException": CREDENTIALS,
    "MissingAuthenticationTokenException": CREDENTIALS,
    "IncompleteSignatureException": CREDENTIALS,
    "ExpiredToken": CREDENTIALS,
    "ExpiredTokenException": CREDENTIALS,
}

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
    """The model's quota is used up for now.

    `retry_after`: seconds, where the model says how long to wait.
    """

    def __init__(self, detail: str, *, retry_after: float | None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
        if retry_after is not None:
            self.retry_after_seconds = ceil(retry_after)


class ModelTimedOut(ModelUnavailable):
    """The model said nothing for longer than a caller waits."""


def unanswered(error: BotoCoreError, service: str) -> AcervoError | None:
    """What it means that no answer came; None: not an error that is known here."""
    if isinstance(error, ReadTimeoutError):
        return ModelTimedOut(f"{service} does not answer: {error}")
    if isinstance(error, ConnectionError | HTTPClientError | IncompleteReadError):
        return ModelUnavailable(f"{service} does not answer: {error}")
    if isinstance(error, _UNUSABLE_SETUP):
        return SettingInvalid(
            f"{service} cannot be called: {error}; set AWS_DEFAULT_REGION and {CREDENTIALS}"
        )
    return None


def throttled(error: ClientError) -> QuotaUsedUp | None:
    """None: the error is of another kind."""
    if code_of(error) in _THROTTLED or status_of(error) == TOO_MANY_REQUESTS:
        detail = f"The model's quota is used up for now; {said_by(error)}"
        return QuotaUsedUp(detail, retry_after=_asked_seconds(error))
    return None


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def message_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", ""))


def status_of(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def said_by(error: ClientError) -> str:
    return f"{code_of(error)}: {message_of(error)}"


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
