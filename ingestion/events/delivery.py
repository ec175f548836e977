"""What came in one message, and what of it can never be ingested."""

from dataclasses import dataclass

from rag.domain.documents import SourceEvent


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """An object that no document can stand for: acknowledged and logged, not retried."""

    uri: str
    code: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One SQS message, Kinesis record or direct event.

    `id` is what a partial batch response calls it, empty for a direct event.
    `tenants` are those whose waiting work is asked for, `every_tenant` that of all.
    `problem` says what cannot be read: the message goes back until the dead-letter queue has it.
    """

    id: str = ""
    events: tuple[SourceEvent, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    tenants: tuple[str, ...] = ()
    every_tenant: bool = False
    problem: str | None = None
