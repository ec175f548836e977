"""Blocking calls given up from another thread, because nobody waits for what they would return."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import partial
from threading import Lock
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Interrupted(BaseException):
    """Nobody waits any more. Not an Exception: no library may take it for a fault and try again."""


class Interruption:
    """Of one request, whatever number of threads work for it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._stops: list[Callable[[], None]] = []
        self._happened = False

    @property
    def happened(self) -> bool:
        return self._happened

    def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls that block inside of it are given up with `interrupt`."""
        return copy_context().run(self._run, partial(work, *args, **kwargs))

    def interrupt(self) -> None:
        """Stops what blocks now and everything that would block later. Never waits."""
        with self._lock:
            self._happened = True
            for stop in self._stops:
                stop()

    @contextmanager
    def watching(self, stop: Callable[[], None]) -> Iterator[None]:
        """`stop` is called while the block runs or not at all; it must neither raise nor wait."""
        with self._lock:
            if self._happened:
                raise Interrupted
            self._stops.append(stop)
        try:
            yield
        finally:
            with self._lock:
                self._stops.remove(stop)

    def _run(self, work: Callable[[], T]) -> T:
        _current.set(self)
        return work()


_current: ContextVar[Interruption | None] = ContextVar("interruption", default=None)


@contextmanager
def interruptible(stop: Callable[[], None]) -> Iterator[None]:
    """A blocking call that ends, however it ends, once another thread calls `stop`.

    Raises Interrupted where the request was given up before the block or in it.
    """
    interruption = _current.get()
    if interruption is None:
        yield
        return
    with interruption.watching(stop):
        try:
            yield
        except Exception:
            if not interruption.happened:
                raise
    if interruption.happened:
        raise Interrupted


def raise_if_interrupted() -> None:
    """Between the steps of work that does not block for long."""
    interruption = _current.get()
    if interruption is not None and interruption.happened:
        raise Interrupted
