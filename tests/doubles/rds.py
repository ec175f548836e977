"""What RDS does with logins, on a PostgreSQL of its own: members of rds_iam log in by token, and only so."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from rag.adapters.postgres.embedded import EmbeddedServer

OWNER = "acervo_owner"
SERVICE = "acervo_service"
FIRST_PASSWORD = "the-first-password"  # noqa: S105 - of a throw-away server
_DATABASE = "deployment"
# The owner may grant rds_iam, as RDS lets its master user, and is no member by that.
_CREATED = f"""
    CREATE ROLE rds_iam;
    CREATE ROLE {OWNER} LOGIN CREATEROLE PASSWORD '{FIRST_PASSWORD}';
    GRANT rds_iam TO {OWNER} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;
"""
_MEMBER = """
    SELECT 1 FROM pg_auth_members WHERE roleid = 'rds_iam'::regrole AND member = %s::regrole AND set_option
"""


@dataclass(frozen=True, kw_only=True)
class Rds:
    """`superuser` is Amazon's conninfo, `url` the deployment's, by user. Signs tokens that hold once."""

    superuser: str
    minted: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    def url(self, user: str) -> str:
        return make_conninfo(self.superuser, dbname=_DATABASE, user=user, password="none")  # noqa: S106

    def sign(self, *, host: str, port: int, user: str) -> str:
        token = f"{host}:{port}/?Action=connect&DBUser={user}&X-Amz-Signature={next(self._numbers)}"
        with psycopg.connect(self.superuser) as connection:
            if connection.execute(_MEMBER, (user,)).fetchone():
                statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
                connection.execute(statement.format(sql.Identifier(user), sql.Literal(token)))
        self.minted.append(token)
        return token

    def query(self, text: str) -> list[tuple[object, ...]]:
        with psycopg.connect(make_conninfo(self.superuser, dbname=_DATABASE)) as connection:
            return connection.execute(text.encode()).fetchall()

    def execute(self, text: str) -> None:
        with psycopg.connect(make_conninfo(self.superuser, dbname=_DATABASE)) as connection:
            connection.execute(text.encode())


@contextmanager
def rds_server(folder: Path) -> Iterator[str]:
    """The superuser's conninfo."""
    with EmbeddedServer(folder, sync=False) as running:
        yield running.start()


@contextmanager
def rds_instance(superuser: str) -> Iterator[Rds]:
    """Fresh: an empty database, and the owner with the first password."""
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(_CREATED.encode())
        connection.execute(f"CREATE DATABASE {_DATABASE} OWNER {OWNER}".encode())
        with psycopg.connect(make_conninfo(superuser, dbname=_DATABASE)) as inside:
            # RDS trusts its master user with this extension; the package's control file trusts nobody.
            inside.execute("CREATE EXTENSION vector SCHEMA public")
        try:
            yield Rds(superuser=superuser)
        finally:
            connection.execute(f"DROP DATABASE {_DATABASE} WITH (FORCE)".encode())
            connection.execute(f"DROP ROLE IF EXISTS {SERVICE}, acervo_app, rds_iam, {OWNER}".encode())
