"""The client that ChatBedrockConverse streams through; a stream ends with the request it is made for."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from rag.interruption import interruptible


class ConverseClient:
    """What ChatBedrockConverse uses of boto3's client: the stream that it opens, it keeps to itself."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def converse_stream(self, **request: Any) -> dict[str, Any]:
        response = self._client.converse_stream(**request)
        return {**response, "stream": _InterruptibleStream(response["stream"])}

    def close(self) -> None:
        self._client.close()


class _InterruptibleStream:
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[Any]:
        events = iter(self._stream)
        while True:
            with interruptible(self._shut_down):
                event = next(events, None)
            if event is None:
                return
            yield event

    def close(self) -> None:
        self._stream.close()

    def _shut_down(self) -> None:
        # Closing would wait for the thread that reads. None of these: the stream is over already.
        with suppress(OSError, RuntimeError, ValueError):
            self._stream._raw_stream.shutdown()  # noqa: SLF001 - botocore's stream has no other way
