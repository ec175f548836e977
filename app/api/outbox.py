"""Bytes on their way from a thread to the event loop."""

import asyncio
from threading import Condition

from rag.interruption import Interrupted

# Beyond it the thread waits for the reader, and the model for the thread.
ROOM_BYTES = 64_000


class Outbox:
    """Made in the event loop. What the thread puts while the reader is busy is taken as one."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()
        self._pending = bytearray()
        self._finished = False
        self._changed = Condition()

    def put(self, chunk: bytes) -> None:
        """Raises Interrupted once the box is finished: nobody would read it."""
        with self._changed:
            self._changed.wait_for(lambda: self._finished or len(self._pending) < ROOM_BYTES)
            if self._finished:
                raise Interrupted
            first = not self._pending
            self._pending += chunk
        if first:
            self._wake_reader()

    def finish(self) -> None:
        """From any thread; what was put before is still read."""
        with self._changed:
            finished, self._finished = self._finished, True
            self._changed.notify_all()
        if not finished:
            self._wake_reader()

    async def take(self) -> bytes | None:
        """What has arrived, as soon as something has; None at the end."""
        while True:
            with self._changed:
                if self._pending:
                    taken = bytes(self._pending)
                    self._pending.clear()
                    self._changed.notify_all()
                    return taken
                if self._finished:
                    return None
                self._arrived.clear()
            await self._arrived.wait()

    def _wake_reader(self) -> None:
        self._loop.call_soon_threadsafe(self._arrived.set)
