"""Pooled connections, tenant-bound transactions, and the driver's errors as ours."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import update_wrapper
from itertools import count
from time import monotonic, sleep
from typing import Any, Concatenate, ParamSpec, Protocol, TypeAlias, TypeVar

import psycopg
from pgvector.psycopg import register_vector
from psycopg.conninfo import make_conninfo
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from rag.errors import DatabaseUnavailable

APPLICATION_ROLE = "acervo_app"
SCHEMA = "acervo"

Connection: TypeAlias = psycopg.Connection[DictRow]
Pool: TypeAlias = "ConnectionPool[Connection]"
T = TypeVar("T")
P = ParamSpec("P")
S = TypeVar("S", bound="_HasSession")

# A peer that vanished without a word (failover, sleeping instance) is noticed within half a minute.
_KEEPALIVE = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}


@contextmanager
def translated_errors() -> Iterator[None]:
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as error:
        raise DatabaseUnavailable("The database does not answer. Try again in a moment.") from error


def open_pool(
    conninfo: str, *, max_size: int = 12, connection_class: type[Connection] = psycopg.Connection[DictRow]
) -> Pool:
    """Connections that work as the application role, which owns nothing."""
    options = f"-c role={APPLICATION_ROLE} -c search_path={SCHEMA},public"
    kwargs: dict[str, Any] = {"row_factory": dict_row, "autocommit": True}
    with translated_errors():
        return ConnectionPool(
            make_conninfo(
                conninfo, options=options, connect_timeout=10, application_name="acervo", **_KEEPALIVE
            ),
            connection_class=connection_class,
            kwargs=kwargs,
            configure=register_vector,
            min_size=1,
            max_size=max_size,
            timeout=10,
            open=True,
        )


class Session:
    """One tenant's transactions: row-level security lets through nothing else.

    `patience`: how long a method marked `persistent` goes on while the database does not answer, seconds.
    """

    def __init__(
        self, pool: Pool, tenant: str, *, patience: float = 0, pause: Callable[[float], None] = sleep
    ) -> None:
        self._pool = pool
        self.tenant = tenant
        self._patience = patience
        self._pause = pause

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with translated_errors(), self._pool.connection() as connection, connection.transaction():
            connection.execute("SELECT set_config('acervo.tenant', %s, true)", (self.tenant,))
            yield connection

    def persist(self, attempt: Callable[[], T]) -> T:
        spent = 0.0
        for number in count():
            started = monotonic()
            try:
                return attempt()
            except DatabaseUnavailable:
                # Full jitter, so that the workers which lost one database do not return as one.
                delay = random.uniform(0, min(5.0, 0.1 * 2.0**number))  # noqa: S311 - not cryptography
                spent += monotonic() - started + delay
                if spent > self._patience:
                    raise
                self._pause(delay)
        raise AssertionError("count() has no end")


class _HasSession(Protocol):
    _session: Session


def persistent(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """Runs a method again when the database did not answer; only for what may safely run twice."""

    def again(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._session.persist(lambda: method(self, *args, **kwargs))

    return update_wrapper(again, method)
