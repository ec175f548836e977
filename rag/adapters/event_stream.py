"""The events of a botocore stream, given up once nobody waits for them."""

from collections.abc import Generator
from contextlib import closing, suppress
from typing import Any

from rag.interruption import interruptible


def events_of(stream: Any) -> Generator[dict[str, Any], None, None]:
    """`stream` is botocore's EventStream; ends its connection with its reader."""
    with closing(stream):
        events = iter(stream)
        while (event := _next(events, stream)) is not None:
            yield event


def _next(events: Any, stream: Any) -> dict[str, Any] | None:
    def stop() -> None:
        # Closing does not wake a thread that reads, shutting the socket down does; botocore offers no such
        # thing. A response that was read to its end has nothing to shut down.
        with suppress(OSError, RuntimeError, ValueError):
            stream._raw_stream.shutdown()  # noqa: SLF001 - see above

    with interruptible(stop):
        event: dict[str, Any] | None = next(events, None)
    return event
