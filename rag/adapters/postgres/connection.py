"""Pooled connections, tenant-bound transactions, and the driver's errors as ours."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import update_wrapper
from itertools import count
from time import monotonic, sleep
from typing import Any, ClassVar, Concatenate, Final, NoReturn, ParamSpec, Protocol, TypeAlias, TypeVar

import psycopg
from pgvector.psycopg import register_vector
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from rag.errors import DatabaseUnavailable, InsufficientStorage, QueryTimedOut

APPLICATION_ROLE = "acervo_app"
SCHEMA = "acervo"

Connection: TypeAlias = psycopg.Connection[DictRow]
# Asked for each new connection where its password is a token (login.py).
Conninfo: TypeAlias = str | Callable[[], str]
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
    except psycopg.errors.DiskFull as error:
        raise InsufficientStorage(f"PostgreSQL: {error}. Free some space.") from error
    except psycopg.errors.QueryCanceled as error:
        # An operational error like an outage, and nothing that trying again would mend.
        raise QueryTimedOut("The database took longer than this kind of request may.") from error
    except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as error:
        raise DatabaseUnavailable("The database does not answer. Try again in a moment.") from error


# How long a request waits for a connection, and how long a broken one is tried again, seconds. The pool's
# own five minutes double the pause between attempts, so that it sleeps on after the database is back.
_PATIENCE: Final = 10.0


class _Cursor(psycopg.Cursor[DictRow]):
    @property
    def rowcount(self) -> NoReturn:
        """Does not wait for a statement that is yet to be sent, and gives -1."""
        raise RuntimeError("The statement may not be sent yet. Use RETURNING and fetch its rows.")


class BoundedConnection(psycopg.Connection[DictRow]):
    """Gives up, and is closed, when the server says nothing for `answer_seconds`.

    The kernel of a server that hangs goes on acknowledging, so keepalives do not notice.
    """

    answer_seconds: ClassVar[float]

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        try:
            return super().wait(gen, interval, timeout or self.answer_seconds)
        except psycopg.OperationalError:
            # The answer may still come, and would be taken for the next statement's.
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()
            raise


@dataclass(frozen=True, kw_only=True)
class PoolSettings:
    """`checked`: each connection is tried before it is used, for a process that is frozen between requests.
    `answer_seconds`: see BoundedConnection; None: the database may think as long as it likes.
    """

    max_size: int = 12
    checked: bool = False
    answer_seconds: float | None = None

    def connection_class(self) -> type[Connection]:
        if self.answer_seconds is None:
            return psycopg.Connection[DictRow]
        return type("AnsweringConnection", (BoundedConnection,), {"answer_seconds": self.answer_seconds})


DEFAULT_POOL: Final = PoolSettings()


def open_pool(
    conninfo: Conninfo,
    settings: PoolSettings = DEFAULT_POOL,
    *,
    connection_class: type[Connection] | None = None,
) -> Pool:
    """Connections that work as the application role, which owns nothing."""
    # `conninfo` alone may be made anew; what stands here overrides what stands there.
    kwargs: dict[str, Any] = {
        "row_factory": dict_row,
        "cursor_factory": _Cursor,
        "autocommit": True,
        "options": f"-c role={APPLICATION_ROLE} -c search_path={SCHEMA},public",
        "connect_timeout": 10,
        "application_name": "acervo",
        **_KEEPALIVE,
    }
    with translated_errors():
        return ConnectionPool(
            conninfo,
            connection_class=connection_class or settings.connection_class(),
            kwargs=kwargs,
            configure=register_vector,
            check=ConnectionPool.check_connection if settings.checked else None,
            min_size=1,
            max_size=settings.max_size,
            timeout=min(_PATIENCE, settings.answer_seconds or _PATIENCE),
            reconnect_timeout=_PATIENCE,
            open=True,
        )


class Session:
    """One tenant's transactions: row-level security lets through nothing else.

    `patience`: how long a method marked `persistent` goes on while the database does not answer, seconds.
    `statement_seconds`: how long one statement may take; 0: as long as it likes.
    """

    def __init__(
        self,
        pool: Pool,
        tenant: str,
        *,
        patience: float = 0,
        pause: Callable[[float], None] = sleep,
        statement_seconds: float = 0,
    ) -> None:
        self._pool = pool
        self.tenant = tenant
        self._patience = patience
        self._pause = pause
        self._statement_seconds = statement_seconds

    def limited_to(self, statement_seconds: float) -> "Session":
        return Session(
            self._pool,
            self.tenant,
            patience=self._patience,
            pause=self._pause,
            statement_seconds=statement_seconds,
        )

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Its statements wait to be sent until a result is asked for: a round trip for several of them.

        An error may come with a later statement than its own, or at the end.
        """
        with (
            translated_errors(),
            self._pool.connection() as connection,
            connection.pipeline(),
            self._own_rows(connection),
        ):
            yield connection

    @contextmanager
    def _own_rows(self, connection: Connection) -> Iterator[None]:
        with connection.transaction():
            connection.execute(
                "SELECT set_config('acervo.tenant', %s, true), set_config('statement_timeout', %s, true)",
                (self.tenant, f"{self._statement_seconds * 1000:.0f}"),
            )
            yield

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
