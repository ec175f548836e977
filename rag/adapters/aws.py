"""Clients of AWS services, and the services' errors as ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
)
from botocore.exceptions import (
    ConnectionError as AwsConnectionError,
)

from rag.errors import AcervoError, SettingInvalid, SourceObjectNotFound, SourceUnavailable

_NO_OBJECT = frozenset({"NoSuchKey", "NoSuchVersion", "404"})
_NOWHERE = frozenset(
    {
        "NoSuchBucket",
        "InvalidBucketName",
        "AWS.SimpleQueueService.NonExistentQueue",
        "QueueDoesNotExist",
        "ResourceNotFoundException",
    }
)
_REFUSED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_LATER = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "KMSThrottlingException",
        "OperationAborted",
        "ProvisionedThroughputExceededException",
        "RequestThrottled",
        "RequestTimeout",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
    }
)
_UNCONFIGURED = (
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
)
_FORBIDDEN, _TOO_MANY, _SERVER_ERROR = 403, 429, 500


def client(service: str, **options: Any) -> Any:
    """With botocore's standard retries; `options` are those of its Config.

    Raises SettingInvalid where the region is not known.
    """
    usual = {"connect_timeout": 5, "read_timeout": 30, "max_pool_connections": 64}
    config = Config(retries={"mode": "standard", "total_max_attempts": 5}, **{**usual, **options})
    with translated_errors(f"AWS ({service})"):
        # A session of its own: boto3's shared one is not safe to use from several threads.
        return Session().client(service, config=config)


@contextmanager
def translated_errors(what: str) -> Iterator[None]:
    """`what` is the resource that the sentences of our errors name."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        known = _answered(error, what) if isinstance(error, ClientError) else _unanswered(error, what)
        if known is None:
            raise
        raise known from error


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _answered(error: ClientError, what: str) -> AcervoError | None:
    code = code_of(error)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _NO_OBJECT:
        return SourceObjectNotFound("The document's object is no longer in the bucket.")
    if code in _NOWHERE:
        return SettingInvalid(f"{what} does not exist. Check its name and the region ({code}).")
    if code in _LATER or status == _TOO_MANY or status >= _SERVER_ERROR:
        return SourceUnavailable(f"{what} does not answer now ({code or status}).")
    if code in _REFUSED or status == _FORBIDDEN:
        return SettingInvalid(
            f"{what} refuses {error.operation_name} ({code}). Check the credentials and the role's policy;"
            " S3 also answers so for a missing object where s3:ListBucket is not granted."
        )
    return None


def _unanswered(error: BotoCoreError, what: str) -> AcervoError | None:
    if isinstance(error, _UNCONFIGURED):
        return SettingInvalid(f"{what} cannot be used without AWS credentials and a region: {error}")
    if isinstance(error, AwsConnectionError | HTTPClientError | IncompleteReadError):
        return SourceUnavailable(f"{what} cannot be reached now: {error}")
    return None
