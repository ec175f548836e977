"""Many calls at once, their results as they come."""

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from queue import Empty, SimpleQueue
from threading import Event
from time import monotonic
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Call = Callable[[Item, Callable[[], bool]], Result]

_HEARTBEAT_SECONDS: Final = 2.0


def stream(
    call: Call[Item, Result], items: Iterator[Item], *, threads: int, ahead: int
) -> Generator[list[Result], None, None]:
    """Results of `call` in any order, an empty list where none came for two seconds.

    Items are drawn in the caller's thread, at most `ahead` before their results are yielded. After a
    failure no more are drawn, what is in flight is still yielded, then the first failure is raised.
    Closing the iterator waits for the calls in flight; `call` is told by its second argument to give up.
    """
    stop = Event()
    with ThreadPoolExecutor(threads, thread_name_prefix="bedrock") as pool:
        try:
            yield from _Stream(
                lambda item: pool.submit(call, item, stop.is_set), items, ahead, stop
            ).results()
        finally:
            stop.set()


class _Stream(Generic[Item, Result]):
    def __init__(
        self, submit: Callable[[Item], Future[Result]], items: Iterator[Item], ahead: int, stop: Event
    ) -> None:
        self._submit = submit
        self._items = items
        self._ahead = ahead
        self._stop = stop
        self._outstanding = 0
        self._failure: BaseException | None = None
        self._done: SimpleQueue[Future[Result]] = SimpleQueue()

    def results(self) -> Iterator[list[Result]]:
        yielded_at, drawing = monotonic(), True
        while drawing or self._outstanding:
            drawing = drawing and self._failure is None
            drawn = drawing and self._outstanding < self._ahead
            if drawn:
                drawing = self._draw()
            results = self._finished(0.0 if drawn else _HEARTBEAT_SECONDS)
            if results or monotonic() - yielded_at >= _HEARTBEAT_SECONDS:
                yield results
                yielded_at = monotonic()
        if self._failure is not None:
            raise self._failure

    def _draw(self) -> bool:
        """False: there are no more items."""
        for item in self._items:
            self._outstanding += 1
            self._submit(item).add_done_callback(self._done.put)
            return True
        return False

    def _finished(self, timeout: float) -> list[Result]:
        """What is done by now; waits for the first where there is none, but not longer than `timeout`."""
        results = []
        if self._outstanding:
            try:
                results += self._take(self._done.get(timeout=timeout) if timeout else self._done.get_nowait())
                while True:
                    results += self._take(self._done.get_nowait())
            except Empty:
                pass
        return results

    def _take(self, future: Future[Result]) -> list[Result]:
        self._outstanding -= 1
        failure = future.exception()
        if failure is None:
            return [future.result()]
        if self._failure is None or isinstance(self._failure, CancelledError):
            self._failure = failure
            self._stop.set()
        return []
