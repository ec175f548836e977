"""Records of the stream that Lambda gave up, through ingestion once more."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from rag.errors import AcervoError
from rag.telemetry import logger

Event: TypeAlias = Mapping[str, Any]
# The records that a message tells of, as Lambda's events, and whether the stream still has all of them.
ReadBatch: TypeAlias = Callable[[str], tuple[Sequence[Event], bool]]
# The partial batch response.
Ingest: TypeAlias = Callable[[Event], Mapping[str, Any]]


@dataclass(kw_only=True)
class StreamRedrive:
    """Counts of records, and of messages whose records are not all there; `__call__` settles one message."""

    read: ReadBatch
    ingest: Ingest
    progress: Callable[[int], None]
    ingested: int = 0
    failed: int = 0
    gone: int = 0

    def __call__(self, body: str) -> bool:
        """Whether every record was ingested: only then is the message done with."""
        try:
            events, complete = self.read(body)
        except AcervoError as error:
            if error.retryable:
                raise
            logger.warning("A message of the stream's failures cannot be used: %s", error)
            events, complete = (), False
        failed = sum(self._ingest(event) for event in events)
        if not complete:
            self.gone += 1
        return complete and failed == 0

    def _ingest(self, event: Event) -> int:
        failed = len(self.ingest(event)["batchItemFailures"])
        self.failed += failed
        self.ingested += len(event["Records"]) - failed
        self.progress(self.ingested)
        return failed
