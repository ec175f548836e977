"""Exit codes, and the errors that only a client meets."""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from http import HTTPStatus
from typing import Any, Self

from rag.errors import AcervoError, EmbeddedServerError, InvalidRequest, Unavailable

# What to do on the command line about what the API says in its own terms.
_HINTS = {
    "unauthenticated": "Set ACERVO_API_KEY; an operator makes one with `acervo keys create`.",
    "collection_not_found": "`acervo collections` lists those there are.",
    "document_not_found": "`acervo documents` lists those there are.",
    "generative_model_required": "`acervo doctor` tells which model is set.",
}


class ExitCode(IntEnum):
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    INTERRUPTED = 130


class RequestFailed(AcervoError):
    """The server answered with a problem."""

    code = "request_failed"

    def __init__(self, detail: str, *, status: int, problem: str) -> None:
        super().__init__(detail)
        self.status = status
        self.problem = problem  # the `code` of the problem

    @classmethod
    def of(cls, status: int, body: Mapping[str, Any]) -> Self:
        """From problem+json (RFC 9457), or from whatever a proxy on the way said instead."""
        detail = body.get("detail") or body.get("title") or f"The server answered with status {status}."
        problem = str(body.get("code", f"status_{status}"))
        hint = _HINTS.get(problem)
        return cls(f"{detail} {hint}" if hint else str(detail), status=status, problem=problem)


class ServerUnreachable(Unavailable):
    """Nobody answers at the server's address."""

    code = "server_unreachable"


class WrongUsage(AcervoError):
    """The command cannot be understood as it was typed."""

    code = "wrong_usage"


_EXIT_CODES: Sequence[tuple[type[AcervoError], ExitCode]] = (
    (WrongUsage, ExitCode.USAGE),
    (InvalidRequest, ExitCode.USAGE),
    (Unavailable, ExitCode.UNREACHABLE),
    (EmbeddedServerError, ExitCode.UNREACHABLE),
)

_EXIT_CODES_OF_STATUS: Mapping[int, ExitCode] = {
    HTTPStatus.UNPROCESSABLE_ENTITY: ExitCode.USAGE,
    HTTPStatus.TOO_MANY_REQUESTS: ExitCode.UNREACHABLE,
    HTTPStatus.SERVICE_UNAVAILABLE: ExitCode.UNREACHABLE,
}


def exit_code(error: AcervoError) -> ExitCode:
    if isinstance(error, RequestFailed):
        return _EXIT_CODES_OF_STATUS.get(error.status, ExitCode.FAILED)
    return next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), ExitCode.FAILED)
