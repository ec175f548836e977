"""The one logger: a readable line a record, or on AWS one of JSON that says nothing it was not meant to."""

import logging
import traceback
from datetime import UTC, datetime
from typing import Any, Final

from rag.errors import AcervoError, Conflict, SetupError, Unavailable
from rag.telemetry.context import bound_ids
from rag.telemetry.metrics import EmbeddedMetricFormatter, json_line, measures
from rag.telemetry.readable import readable, without_secrets
from rag.text.printable import printable

logger = logging.getLogger("acervo")

# What these say names settings and services. Others may quote a document, a question or a model's output.
_TOLD: Final = (SetupError, Unavailable, Conflict)
_FRAMES: Final = 12
# Servers log what escapes the application with its text.
_SERVERS: Final = ("uvicorn", "uvicorn.error")


def configure_logging() -> None:
    """For entry points: one line a record on standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(PlainFormatter("%(asctime)s %(levelname)s %(message)s"))
    _log_to(handler)


def configure_structured_logging(*, service: str, namespace: str) -> None:
    """The same in JSON, those of other libraries too; metrics in CloudWatch's format between them."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter(service))
    _log_to(handler)
    logging.getLogger().handlers = [handler]
    for name in _SERVERS:
        server = logging.getLogger(name)
        server.handlers, server.propagate = [], True
    numbers = logging.StreamHandler()
    numbers.setFormatter(EmbeddedMetricFormatter(namespace))
    measures.handlers = [numbers]
    measures.setLevel(logging.INFO)


def _log_to(handler: logging.Handler) -> None:
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


class PlainFormatter(logging.Formatter):
    """A record is one line, but for a traceback; it steers no terminal and shows no credential."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        return readable(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        return printable(without_secrets(super().formatException(ei)), kept="\n")


class JsonFormatter(logging.Formatter):
    """Of an exception only those of ours that quote no content are told in full, of others their kind.

    Written here and not by aws-lambda-powertools, whose import takes 110 to 170 ms of a cold start (3.37.0,
    November 2026), and which writes exceptions with what they say.
    """

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            **bound_ids(),
            "message": without_secrets(_message(record)),
        }
        if record.exc_info and record.exc_info[1]:
            entry["exception"] = [_described(each) for each in _chain(record.exc_info[1])]
        return json_line(entry)


def _message(record: logging.LogRecord) -> str:
    args: Any = record.args
    if isinstance(args, tuple):
        args = tuple(_told(arg) if isinstance(arg, BaseException) else arg for arg in args)
    return str(record.msg) % args if args else str(record.msg)


def _told(error: BaseException) -> str:
    if isinstance(error, _TOLD):
        return str(error)
    return error.code if isinstance(error, AcervoError) else type(error).__name__


def _described(error: BaseException) -> dict[str, Any]:
    """Where it arose, and which kind it is."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return {
        "type": f"{type(error).__module__}.{type(error).__qualname__}",
        "detail": _told(error),
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }


def _chain(error: BaseException) -> list[BaseException]:
    """The error and what led to it, the last first."""
    found: list[BaseException] = []
    here: BaseException | None = error
    while here is not None and here not in found:
        found.append(here)
        here = here.__cause__ or (None if here.__suppress_context__ else here.__context__)
    return found
