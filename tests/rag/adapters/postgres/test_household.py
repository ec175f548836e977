"""The embedded server's roles: the service is never the superuser, in new data directories and old ones."""

from pathlib import Path

import psycopg

from rag.adapters.postgres.embedded import EmbeddedServer
from rag.adapters.postgres.household import OWNER, SERVICE, settle_roles
from rag.adapters.postgres.migrate import migrate
from rag.adapters.postgres.store import PostgresStore
from rag.backends.local import LocalBackend

POWERS = """
SELECT bool_or(rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)
  FROM pg_roles WHERE rolname LIKE 'acervo%'
"""


def test_service_connects_as_no_superuser(tmp_path: Path) -> None:
    backend = LocalBackend(tmp_path)
    backend.store.check()
    with EmbeddedServer(tmp_path) as server, psycopg.connect(server.start()) as connection:
        asked = "SELECT DISTINCT usename FROM pg_stat_activity WHERE application_name = 'acervo'"
        assert connection.execute(asked).fetchall() == [(SERVICE,)]
        assert connection.execute(POWERS).fetchone() == (False,)
    backend.close()


def test_service_owns_nothing_and_changes_no_table(tmp_path: Path) -> None:
    backend = LocalBackend(tmp_path)
    backend.store.check()
    with EmbeddedServer(tmp_path) as server, psycopg.connect(server.start()) as connection:
        owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname LIKE 'acervo%'"
        assert connection.execute(owners).fetchall() == [(OWNER,)]
        privileges = "SELECT has_schema_privilege(%s, 'acervo', 'CREATE'), pg_has_role(%s, %s, 'MEMBER')"
        assert connection.execute(privileges, (SERVICE, SERVICE, OWNER)).fetchone() == (False, False)
    backend.close()


def test_directory_of_an_earlier_version_is_handed_over(tmp_path: Path) -> None:
    """Its schema belongs to the superuser, as earlier versions made it."""
    with EmbeddedServer(tmp_path, sync=False) as server:
        superuser = server.start()
        migrate(superuser)
        opened = PostgresStore(superuser)
        opened.close()
        with psycopg.connect(superuser) as connection:
            connection.execute("INSERT INTO acervo.tenants (tenant_id) VALUES ('before')")
        logins = settle_roles(superuser, server.home)
        store = PostgresStore(logins.service, owner=logins.owner)
        assert store.tenants() == ("before",)
        store.close()
        with psycopg.connect(superuser) as connection:
            left = (
                "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
                " WHERE nspname LIKE 'acervo%' AND pg_get_userbyid(relowner) <> 'acervo_owner'"
            )
            assert connection.execute(left).fetchone() == (0,)


def test_roles_are_settled_once(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path, sync=False) as server:
        first = settle_roles(server.start(), server.home)
        wrong_superuser = server.start().replace("user='postgres'", "user='missing'")
        assert settle_roles(wrong_superuser, server.home).owner == first.owner
