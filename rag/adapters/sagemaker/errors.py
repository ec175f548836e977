"""What an error of SageMaker's runtime means to Acervo."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

from botocore.eventstream import ParserError
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError, ReadTimeoutError

from rag.adapters.aws_errors import (
    CREDENTIALS_TO_DO,
    SERVER_ERROR,
    ModelTimedOut,
    QuotaUsedUp,
    code_of,
    message_of,
    said_by,
    status_of,
    throttled,
    unanswered,
)
from rag.adapters.local.chat_completions import context_too_long
from rag.errors import AcervoError, ModelResponseInvalid, ModelStarting, ModelUnavailable, SettingInvalid

# An endpoint without instances answers 400 ValidationError "Inference Component has no capacity to
# process this request. ApplicationAutoScaling may be in-progress (if configured) …"; a serverless or
# multi-model endpoint that loads its model, 429 ModelNotReadyException.
_NO_CAPACITY: Final = "has no capacity to process"
_NOT_READY: Final = "ModelNotReadyException"
# What a stream breaks off with; these come without a status.
_BROKEN_STREAM: Final = frozenset({"InternalStreamFailure", "ModelStreamError"})
# Text Embeddings Inference answers 424 where its model fails.
_PASSING: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.FAILED_DEPENDENCY})
_TO_DO: Final = {
    **CREDENTIALS_TO_DO,
    "AccessDeniedException": "let the role call sagemaker:InvokeEndpoint on this endpoint",
}
_MESSAGES_TO_DO: Final = {
    "not found": "name an endpoint that is in service in this region",
    "Inference Component Name header is required": (
        "the endpoint hosts inference components: name one, sagemaker:<endpoint>/<inference component>"
    ),
    "remove the Inference Component Name header": (
        "the endpoint hosts no inference components: leave out what follows the slash"
    ),
}


@contextmanager
def translated() -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        known = _answered(error) if isinstance(error, ClientError) else unanswered(error, "SageMaker")
        if known is None:
            raise
        raise known from error
    except ReadTimeoutError as error:
        raise ModelTimedOut(f"SageMaker's stream stalls: {error}") from error
    except HTTPError as error:
        raise ModelUnavailable(f"SageMaker's stream broke off: {error}") from error
    except ParserError as error:
        raise ModelResponseInvalid(f"SageMaker's stream is not of its contract: {error!r}") from error


def _answered(error: ClientError) -> AcervoError:
    code, status, said = code_of(error), status_of(error), said_by(error)
    if code == _NOT_READY or _NO_CAPACITY in message_of(error):
        return ModelStarting(f"The endpoint is scaled to zero or starting; {said}")
    if code == "ModelError":
        return _of_the_model(error)
    if (quota_used_up := throttled(error)) is not None:
        return quota_used_up
    if status >= SERVER_ERROR or code in _BROKEN_STREAM:
        return ModelUnavailable(f"SageMaker fails; {said}")
    if (to_do := _to_do(error)) is not None:
        return SettingInvalid(f"SageMaker refuses the call: {to_do} ({said})")
    return ModelResponseInvalid(f"SageMaker refused the request with status {status}; {said}")


def _of_the_model(error: ClientError) -> AcervoError:
    """What the container answered; without a status where SageMaker got no answer from it."""
    status = int(error.response.get("OriginalStatusCode") or 0)
    said = str(error.response.get("OriginalMessage") or message_of(error))
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return QuotaUsedUp(f"The endpoint is overloaded; {said}", retry_after=None)
    if not HTTPStatus.BAD_REQUEST <= status < SERVER_ERROR or status in _PASSING:
        return ModelUnavailable(f"The endpoint's model fails with status {status}; {said}")
    if status == HTTPStatus.NOT_FOUND:
        return SettingInvalid(f"The endpoint serves no such model or address ({said})")
    refused = ModelResponseInvalid(f"The endpoint's model refused the request with status {status}; {said}")
    return context_too_long(said) or refused


def _to_do(error: ClientError) -> str | None:
    message = message_of(error)
    by_message = (to_do for words, to_do in _MESSAGES_TO_DO.items() if words in message)
    return _TO_DO.get(code_of(error)) or next(by_message, None)
