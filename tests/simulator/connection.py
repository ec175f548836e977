"""A database connection whose every round trip may be the worker's last."""

import threading
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow

from tests.simulator.faults import DROPS, Kind, Target, Worker, WorkerKilled

T = TypeVar("T")


class FaultyConnection(psycopg.Connection[DictRow]):
    """Subclassed for each environment, see `connection_class`."""

    worker: ClassVar[Callable[[], Worker | None]]
    lost: ClassVar[Callable[[int], None]]
    thread: ClassVar[int]

    def wait(self, gen: PQGen[T], *arguments: Any, **options: Any) -> T:
        worker = type(self).worker()
        # The pool opens its connections in threads of its own, which are no part of the schedule.
        if worker is None or threading.get_ident() != self.thread:
            return super().wait(gen, *arguments, **options)
        return self._wait(worker, gen, arguments, options)

    def commit(self) -> None:
        """The pool commits what was committed before: no call, and none to be counted."""
        if self.pgconn.transaction_status != TransactionStatus.IDLE:
            super().commit()

    def _wait(self, worker: Worker, gen: PQGen[T], arguments: tuple[Any, ...], options: dict[str, Any]) -> T:
        idle = self.pgconn.transaction_status == TransactionStatus.IDLE
        try:
            fault = worker.before(Target.DATABASE, interruptible=idle)
            if fault is Kind.DROP_BEFORE:
                self._drop(worker)
            result = super().wait(gen, *arguments, **options)
            worker.in_transaction = self.pgconn.transaction_status != TransactionStatus.IDLE
            worker.after(Target.DATABASE)
        except WorkerKilled:
            self._cut()
            raise
        if fault in DROPS:
            self._drop(worker)
        return result

    def _drop(self, worker: Worker) -> None:
        self._cut()
        worker.in_transaction = False
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    def _cut(self) -> None:
        """As if the process were gone: we roll nothing back, the server sees the end of the socket."""
        if self.pgconn.status == psycopg.pq.ConnStatus.OK:
            process = self.pgconn.backend_pid
            self.pgconn.finish()
            type(self).lost(process)


def connection_class(
    worker: Callable[[], Worker | None], lost: Callable[[int], None]
) -> type[FaultyConnection]:
    """`lost` is told the server process of every connection that was cut."""
    members = {
        "worker": staticmethod(worker),
        "lost": staticmethod(lost),
        "thread": threading.get_ident(),
    }
    return type("EnvironmentConnection", (FaultyConnection,), members)
