"""What an error of the AWS SDK means to Acervo."""

from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from rag.adapters.aws_errors import (
    CREDENTIALS_TO_DO,
    SERVER_ERROR,
    QuotaUsedUp,
    code_of,
    message_of,
    said_by,
    status_of,
    throttled,
    unanswered,
)
from rag.errors import AcervoError, ModelResponseInvalid, ModelUnavailable, SettingInvalid

__all__ = ["MalformedAnswer", "QuotaUsedUp", "TextTooLong", "translated"]

# Some of these come with a status that says otherwise: ModelNotReadyException with 429.
_UNAVAILABLE: Final = frozenset(
    {
        "DependencyFailedException",
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
_TO_DO: Final = {
    **CREDENTIALS_TO_DO,
    "AccessDeniedException": (
        "let the role call bedrock:InvokeModel (to rerank also bedrock:Rerank) on this model,"
        " and enable the model in this region"
    ),
    "ResourceNotFoundException": "name a model that Bedrock has in this region",
    "OptInRequired": "subscribe the AWS account to Bedrock",
}
# ValidationException is also what a model id gets that this region does not serve as it is.
_MODEL_ID_MESSAGES: Final = {
    "model identifier is invalid": "name a model that Bedrock has in this region",
    "on-demand throughput": "name the model by its inference profile, for example us.<model id>",
}


class TextTooLong(ModelResponseInvalid):
    """The text is longer than the model reads."""


class MalformedAnswer(ModelResponseInvalid):
    """The model answered, but not as its contract says."""


def translated(error: BotoCoreError | ClientError) -> AcervoError | None:
    """None: not an error that is known here; raise it as it is."""
    return _answered(error) if isinstance(error, ClientError) else unanswered(error, "Bedrock")


def _answered(error: ClientError) -> AcervoError:
    status, said = status_of(error), said_by(error)
    if code_of(error) in _UNAVAILABLE:
        return ModelUnavailable(f"The Bedrock model fails; {said}")
    if (quota_used_up := throttled(error)) is not None:
        return quota_used_up
    if status >= SERVER_ERROR:
        return ModelUnavailable(f"Bedrock fails with status {status}; {said}")
    if (to_do := _to_do(error)) is not None:
        return SettingInvalid(f"Bedrock refuses the call: {to_do} ({said})")
    if any(part in said for part in _TOO_LONG):
        return TextTooLong(f"The text is longer than the model reads; {said}")
    return ModelResponseInvalid(f"Bedrock refused the request with status {status}; {said}")


def _to_do(error: ClientError) -> str | None:
    message = message_of(error)
    by_message = (to_do for part, to_do in _MODEL_ID_MESSAGES.items() if part in message)
    return _TO_DO.get(code_of(error)) or next(by_message, None)
