"""Transactions whose statements wait to be sent."""

from collections.abc import Callable

import psycopg
import pytest

from rag.adapters.postgres.connection import Connection, Session
from rag.errors import QueryTimedOut

_INSERT = "INSERT INTO tenants (tenant_id) VALUES ('local')"


def _tenants(session: Session) -> int:
    with session.transaction() as connection:
        return len(connection.execute("SELECT FROM tenants").fetchall())


def test_a_count_of_rows_that_may_not_be_known_is_refused(session: Session) -> None:
    with session.transaction() as connection, pytest.raises(RuntimeError, match="RETURNING"):
        _ = connection.execute(_INSERT).rowcount
    assert _tenants(session) == 1


def _insert_twice(connection: Connection) -> None:
    connection.execute(_INSERT)
    connection.execute(_INSERT)
    connection.execute("SELECT 1")


def _ask_afterwards(connection: Connection) -> None:
    _insert_twice(connection)
    connection.execute("SELECT 1").fetchone()
    raise AssertionError("a result of a failed transaction")


@pytest.mark.parametrize("steps", [_insert_twice, _ask_afterwards])
def test_an_error_is_told_late_and_undoes_everything(
    session: Session, steps: Callable[[Connection], None]
) -> None:
    def run() -> None:
        with session.transaction() as connection:
            steps(connection)

    with pytest.raises(psycopg.errors.UniqueViolation):
        run()
    assert _tenants(session) == 0


def test_a_statement_that_takes_too_long_is_no_outage_and_not_tried_again(session: Session) -> None:
    """PostgreSQL ends it; and the connection's next transaction has its own limit."""
    attempts = 0

    def sleep() -> None:
        nonlocal attempts
        attempts += 1
        with limited.transaction() as connection:
            connection.execute("SELECT pg_sleep(30)").fetchone()

    limited = session.limited_to(0.05)
    with pytest.raises(QueryTimedOut):
        limited.persist(sleep)
    assert attempts == 1
    with session.transaction() as connection:
        connection.execute("SELECT pg_sleep(0.1)").fetchone()
