"""Pooled connections, tenant-bound transactions, and the driver's errors as ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

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


@contextmanager
def translated_errors() -> Iterator[None]:
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as error:
        raise DatabaseUnavailable("The database does not answer. Try again in a moment.") from error


def open_pool(conninfo: str, *, max_size: int = 12) -> Pool:
    """Connections that work as the application role, which owns nothing."""
    options = f"-c role={APPLICATION_ROLE} -c search_path={SCHEMA},public"
    kwargs: dict[str, Any] = {"row_factory": dict_row, "autocommit": True}
    with translated_errors():
        return ConnectionPool(
            make_conninfo(conninfo, options=options, connect_timeout=10, application_name="acervo"),
            kwargs=kwargs,
            configure=register_vector,
            min_size=1,
            max_size=max_size,
            timeout=10,
            open=True,
        )


class Session:
    """One tenant's transactions: row-level security lets through nothing else."""

    def __init__(self, pool: Pool, tenant: str) -> None:
        self._pool = pool
        self.tenant = tenant

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with translated_errors(), self._pool.connection() as connection, connection.transaction():
            connection.execute("SELECT set_config('acervo.tenant', %s, true)", (self.tenant,))
            yield connection
