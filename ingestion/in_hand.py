"""The documents that the threads of a process work on, given back when the process must end."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from math import inf
from threading import Lock

from rag.domain.documents import Work
from rag.errors import DatabaseUnavailable
from rag.ports import Ledger

_DETAIL = "The server was stopped; the next one goes on from here."


class InHand:
    """Safe to be used by many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._held: dict[int, tuple[Ledger, Work]] = {}
        self._ended = False

    def remaining(self) -> float:
        """The seconds that whoever holds a document may still work on it."""
        return 0.0 if self._ended else inf

    @contextmanager
    def holding(self, ledger: Ledger, work: Work) -> Iterator[None]:
        key = id(work)
        with self._lock:
            self._held[key] = ledger, work
        try:
            yield
        finally:
            with self._lock:
                self._held.pop(key, None)

    def give_back(self) -> None:
        """Offers every document in hand to other workers; its attempt does not count."""
        self._ended = True
        with self._lock:
            held = [*self._held.values()]
        for ledger, work in held:
            with suppress(DatabaseUnavailable):  # then the end of its lease brings it back
                ledger.release(work, code="interrupted", detail=_DETAIL, delay=timedelta(), counts=False)
