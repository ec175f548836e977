"""The roles that a deployment on RDS logs in as: by IAM alone, once this has run."""

from contextlib import suppress
from typing import Final

import psycopg
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from rag.adapters.postgres.connection import APPLICATION_ROLE
from rag.adapters.postgres.migrate import owner_connection

# Of RDS: its members log in by token, and no longer by password.
_BY_TOKEN: Final = sql.Identifier("rds_iam")
# A frozen function's connection is one that others cannot have, and Aurora pauses only when none is left.
_IDLE: Final = "5min"


def grant_logins(conninfo: str, service: str) -> None:
    """Makes the role `service` of the functions, and turns the owner's password off. Safe to run again.

    `conninfo` is the owner's. Raises DatabaseUnavailable.
    """
    name = sql.Identifier(service)
    statements = (
        sql.SQL("ALTER ROLE {} LOGIN").format(name),
        sql.SQL("ALTER ROLE {} SET idle_session_timeout = {}").format(name, sql.Literal(_IDLE)),
        sql.SQL("GRANT {} TO {}").format(sql.Identifier(APPLICATION_ROLE), name),
        sql.SQL("GRANT {} TO {}").format(_BY_TOKEN, name),
        sql.SQL("GRANT {} TO CURRENT_USER").format(_BY_TOKEN),
    )
    with owner_connection(conninfo) as connection:
        _ensure_role(connection, service)
        with connection.transaction():
            for statement in statements:
                connection.execute(statement)


def _ensure_role(connection: Connection[TupleRow], name: str) -> None:
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone():
        # Roles belong to the server, the lock to a database of it.
        with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
