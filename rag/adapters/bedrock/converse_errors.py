"""What the errors of a Converse stream mean to Acervo: boto3's, urllib3's and LangChain's."""

import builtins
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from botocore.eventstream import ParserError
from botocore.exceptions import BotoCoreError, ClientError, EventStreamError
from botocore.parsers import ResponseParserError
from langchain_core.exceptions import ContextOverflowError
from urllib3.exceptions import HTTPError, ReadTimeoutError

from rag.adapters.aws_errors import ModelTimedOut, code_of
from rag.adapters.bedrock.converse_stream import window_exceeded
from rag.adapters.bedrock.errors import MalformedAnswer, TextTooLong, translated
from rag.errors import AcervoError, InvalidRequest, ModelUnavailable, SettingInvalid

# A model that the caller named is the caller's to change, the deployment's own is the operator's.
_ABOUT_THE_MODEL: Final = frozenset(
    {"AccessDeniedException", "ResourceNotFoundException", "ValidationException"}
)


@contextmanager
def converse_errors(model_id: str, *, named_by_caller: bool) -> Iterator[None]:
    try:
        yield
    except ContextOverflowError as error:
        raise window_exceeded(model_id) from error
    except (BotoCoreError, ClientError) as error:
        if (failure := _failure(error, model_id, named_by_caller=named_by_caller)) is None:
            raise
        raise failure from error
    except ReadTimeoutError as error:
        raise ModelTimedOut(f"Bedrock's stream stalls: {error}") from error
    # langchain-aws raises the built-in one for a stream without an end.
    except (HTTPError, builtins.ConnectionError) as error:
        raise ModelUnavailable(f"Bedrock's stream broke off: {error}") from error
    except (KeyError, ParserError, ResponseParserError, ValueError) as error:
        raise MalformedAnswer(f"Bedrock's stream is not of its contract: {error!r}") from error


def _failure(error: Any, model_id: str, *, named_by_caller: bool) -> AcervoError | None:
    known = _as_answer(error) if isinstance(error, EventStreamError) else error
    failure = translated(known)
    if isinstance(failure, TextTooLong):
        return window_exceeded(model_id)
    about_the_model = isinstance(known, ClientError) and code_of(known) in _ABOUT_THE_MODEL
    if named_by_caller and about_the_model and isinstance(failure, SettingInvalid):
        return InvalidRequest(
            f"Bedrock has no model {model_id!r} that this deployment may call.", pointer="/model"
        )
    return failure


def _as_answer(error: EventStreamError) -> ClientError:
    """In a stream an error's name begins with a small letter: throttlingException."""
    said, name = error.response.get("Error", {}), code_of(error)
    return ClientError({"Error": {**said, "Code": name[:1].upper() + name[1:]}}, error.operation_name)
