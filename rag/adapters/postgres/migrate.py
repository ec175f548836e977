"""Numbered migrations under an advisory lock: safe to run twice and from several processes."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files

import psycopg
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from rag.adapters.postgres.connection import APPLICATION_ROLE, SCHEMA, translated_errors
from rag.errors import SetupError

logger = logging.getLogger("acervo")

MINIMUM_PGVECTOR = "0.8.0"
# 0.8.2 to 0.8.4 mend an overflow in the HNSW build and possible index corruption.
ADVISED_PGVECTOR = "0.8.4"
_LOCK = 0x_AC_E4_70
VERSIONS = f"{SCHEMA}_migrations"


def migrations() -> list[tuple[int, str]]:
    """Number and text of every migration, in order."""
    folder = files("rag.adapters.postgres").joinpath("migrations")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(int(name[:4]), folder.joinpath(name).read_text(encoding="utf-8")) for name in names]


def migrate(conninfo: str) -> int:
    """Brings the schema up to date as the owner of the database; returns how many migrations ran."""
    with owner_connection(conninfo) as connection:
        _prepare(connection)
        applied = applied_version(connection)
        pending = [(number, text) for number, text in migrations() if number > applied]
        for number, text in pending:
            _apply(connection, number, text)
        return len(pending)


@contextmanager
def owner_connection(conninfo: str) -> Iterator[Connection[TupleRow]]:
    """As long as it is open nobody else has one."""
    with translated_errors(), psycopg.connect(conninfo, autocommit=True, connect_timeout=10) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        yield connection


def applied_version(connection: Connection[TupleRow]) -> int:
    row = connection.execute(
        sql.SQL("SELECT coalesce(max(number), 0) FROM {}.applied").format(sql.Identifier(VERSIONS))
    ).fetchone()
    return row[0] if row else 0


def _apply(connection: Connection[TupleRow], number: int, text: str) -> None:
    with connection.transaction():
        connection.execute(sql.SQL("SET LOCAL search_path = {}, public").format(sql.Identifier(SCHEMA)))
        connection.execute(text.encode())
        connection.execute(
            sql.SQL("INSERT INTO {}.applied (number) VALUES (%s)").format(sql.Identifier(VERSIONS)),
            (number,),
        )


def _prepare(connection: Connection[TupleRow]) -> None:
    ensure_extension(connection)
    role, schema, versions = map(sql.Identifier, (APPLICATION_ROLE, SCHEMA, VERSIONS))
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (APPLICATION_ROLE,)).fetchone():
        # Roles belong to the server: the migration of another database may be faster, lock or no lock.
        with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
    connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(role))
    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
    # Outside the tenants' schema: it holds no tenant's rows, and the application may only read it.
    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(versions))
    connection.execute(
        sql.SQL(
            "CREATE TABLE IF NOT EXISTS {}.applied"
            " (number integer PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())"
        ).format(versions)
    )
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(versions, role))
    connection.execute(sql.SQL("GRANT SELECT ON {}.applied TO {}").format(versions, role))


def ensure_extension(connection: Connection[TupleRow]) -> None:
    row = connection.execute(
        "SELECT default_version, installed_version FROM pg_available_extensions WHERE name = 'vector'"
    ).fetchone()
    if row is None or _numbers(row[0]) < _numbers(MINIMUM_PGVECTOR):
        found = "no pgvector" if row is None else f"pgvector {row[0]}"
        raise SetupError(
            f"The database offers {found}; Acervo needs {MINIMUM_PGVECTOR} or newer. Install the extension,"
            " or unset DATABASE_URL to use the embedded server."
        )
    if row[1] is None:
        connection.execute("CREATE EXTENSION vector SCHEMA public")
    elif row[1] != row[0]:
        # RDS upgrades the files, never the installed extension.
        connection.execute("ALTER EXTENSION vector UPDATE")
    if _numbers(row[0]) < _numbers(ADVISED_PGVECTOR):
        logger.warning("pgvector %s may corrupt HNSW indexes; upgrade to %s.", row[0], ADVISED_PGVECTOR)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
