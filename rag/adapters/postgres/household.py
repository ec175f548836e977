"""The roles of the embedded server: one owns the schema, one is the service's, neither is a superuser."""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from rag.adapters.postgres.connection import APPLICATION_ROLE, SCHEMA, translated_errors
from rag.adapters.postgres.locks import exclusive_lock
from rag.adapters.postgres.migrate import VERSIONS, ensure_extension
from rag.adapters.postgres.queries import load
from rag.private_files import replace_private

OWNER: Final = "acervo_owner"
SERVICE: Final = "acervo_service"
_sql = load("household")


@dataclass(frozen=True, kw_only=True)
class Logins:
    """The conninfo of each: the owner migrates, the service does everything else."""

    owner: str
    service: str


def settle_roles(superuser: str, home: Path) -> Logins:
    """Makes the roles at the first start, and hands them what an earlier version left the superuser.

    `home` is the folder of the embedded server, where the passwords lie. Raises DatabaseUnavailable.
    """
    with exclusive_lock(home / "roles.lock"), translated_errors():
        logins = Logins(
            owner=_login(superuser, home, OWNER),
            service=_login(superuser, home, SERVICE),
        )
        if not _is_settled(logins):
            _settle(superuser, logins)
    return logins


def _login(superuser: str, home: Path, role: str) -> str:
    file = home / f"{role}.password"
    if not file.exists():
        replace_private(file, secrets.token_hex(32))
    return make_conninfo(superuser, user=role, password=file.read_text("ascii"))


def _is_settled(logins: Logins) -> bool:
    """Asked as the owner, so that the superuser is needed at the first start and after an upgrade only."""
    try:
        with psycopg.connect(logins.owner, connect_timeout=10) as connection:
            row = connection.execute(_sql["settled"], {"service": SERVICE}).fetchone()
    except psycopg.OperationalError:
        return False
    return bool(row and row[0])


def _settle(superuser: str, logins: Logins) -> None:
    with psycopg.connect(superuser, connect_timeout=10) as connection:
        ensure_extension(connection)
        _ensure_role(connection, APPLICATION_ROLE, sql.SQL("NOLOGIN"))
        for name, login in ((OWNER, logins.owner), (SERVICE, logins.service)):
            _ensure_role(connection, name, sql.SQL("LOGIN"))
            _set_password(connection, name, login)
        for statement in _GRANTS:
            connection.execute(statement)
        for schema in (SCHEMA, VERSIONS):
            _hand_over(connection, schema)
        connection.execute(sql.SQL("COMMENT ON ROLE {} IS 'settled'").format(sql.Identifier(SERVICE)))


def _ensure_role(connection: Connection[TupleRow], name: str, login: sql.SQL) -> None:
    role = sql.Identifier(name)
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone():
        connection.execute(sql.SQL("CREATE ROLE {} NOINHERIT").format(role))
    attributes = sql.SQL("NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS")
    connection.execute(sql.SQL("ALTER ROLE {} {} {}").format(role, attributes, login))


def _set_password(connection: Connection[TupleRow], name: str, login: str) -> None:
    password = psycopg.conninfo.conninfo_to_dict(login)["password"]
    connection.execute(
        sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(name), sql.Literal(password))
    )


def _hand_over(connection: Connection[TupleRow], schema: str) -> None:
    """REASSIGN OWNED refuses the first superuser's objects, since those of the system are among them."""
    values = {"schema": schema, "owner": OWNER}
    for (statement,) in connection.execute(_sql["hand_over"], values).fetchall():
        connection.execute(statement.encode())


_GRANTS: Final = (
    sql.SQL("GRANT {} TO {} WITH ADMIN OPTION").format(
        sql.Identifier(APPLICATION_ROLE), sql.Identifier(OWNER)
    ),
    sql.SQL("GRANT {} TO {}").format(sql.Identifier(APPLICATION_ROLE), sql.Identifier(SERVICE)),
    sql.SQL("ALTER DATABASE acervo OWNER TO {}").format(sql.Identifier(OWNER)),
    sql.SQL("ALTER SCHEMA public OWNER TO pg_database_owner"),
)
