"""The fake Bedrock at one address, which can be away for a while."""

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from tests.app.cli.commands import free_port
from tests.doubles.bedrock_server import bedrock_server


class Bedrock:
    def __init__(self) -> None:
        self._port = free_port()
        self._running = ExitStack()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def come(self) -> None:
        self._running.enter_context(bedrock_server(port=self._port))

    def leave(self) -> None:
        self._running.close()

    def __enter__(self) -> Self:
        self.come()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()
