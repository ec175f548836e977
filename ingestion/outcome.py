"""How an attempt at a document ends, and what the ledger hears of one that failed."""

import random
from datetime import timedelta
from enum import StrEnum

from rag.domain.documents import Failure, Work
from rag.errors import AcervoError, ParserCrashed, ParserTimedOut, SetupError, StorageUnavailable, Throttled
from rag.ports import Ledger
from rag.telemetry import logger

MAX_ATTEMPTS = 5
# Most often the document's own fault, so that no queue tries again by itself; an operator may.
_ASKED_FOR_ONLY = (ParserCrashed, ParserTimedOut)


class Outcome(StrEnum):
    """Of one claim, as it is measured."""

    READY = "ready"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    SUPERSEDED = "superseded"
    POSTPONED = "postponed"
    FAILED = "failed"


class AttemptsExhausted(AcervoError):
    """Every attempt ended without a result."""

    code = "attempts_exhausted"
    retryable = True

    def __init__(self) -> None:
        super().__init__(
            f"Every one of {MAX_ATTEMPTS} attempts ended without a result: the worker died or lost it."
        )


class Unexpected(AcervoError):
    """An error that nobody foresaw."""

    code = "internal_error"
    retryable = True

    def __init__(self) -> None:
        super().__init__(
            "An unexpected error stopped this document; the server's log has it by the document's id."
        )


def settle(ledger: Ledger, work: Work, error: AcervoError) -> Outcome:
    """Records the failure, or when the document is to be tried again."""
    logger.warning("%s version %d: %s", work.document_id, work.version, error.code)
    throttled = isinstance(error, (Throttled, StorageUnavailable))  # which is no failure, however often
    if throttled or (error.retryable and work.attempts < MAX_ATTEMPTS):
        # Full jitter: many documents that failed together do not come back together.
        delay = timedelta(seconds=random.uniform(0.5, 1) * 2**work.attempts)  # noqa: S311 - not cryptography
        ledger.release(work, code=error.code, detail=error.detail, delay=delay, counts=not throttled)
        return Outcome.POSTPONED
    # What the operator must mend can be tried again afterwards.
    retryable = error.retryable or isinstance(error, (SetupError, *_ASKED_FOR_ONLY))
    ledger.fail(work, code=error.code, detail=error.detail, retryable=retryable)
    return Outcome.FAILED


def is_final(failure: Failure) -> bool:
    """Whether nobody but an operator who asks for it should try again."""
    return not failure.retryable or failure.code in {kind.code for kind in _ASKED_FOR_ONLY}
