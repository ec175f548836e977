"""Which of the passages that a model is to read try to give it orders."""

from collections.abc import Sequence
from dataclasses import replace

from rag.domain.search import Passage
from rag.ports import PassageGuard
from rag.telemetry import logger


def suspicious_last(passages: Sequence[Passage]) -> tuple[Passage, ...]:
    """Otherwise in the same order."""
    return tuple(sorted(passages, key=lambda passage: passage.suspicious))


def flagged(passages: Sequence[Passage], guard: PassageGuard | None) -> tuple[Passage, ...]:
    """The same passages. None is left out: what is suspicious may still hold the answer."""
    if guard is None or not passages:
        return tuple(passages)
    verdicts = guard.suspicious([passage.text for passage in passages])
    for passage, suspicious in zip(passages, verdicts, strict=True):
        if suspicious:
            logger.warning("passage %s of %s gives orders", passage.chunk_id, passage.document.id)
    return tuple(
        replace(passage, suspicious=suspicious)
        for passage, suspicious in zip(passages, verdicts, strict=True)
    )
