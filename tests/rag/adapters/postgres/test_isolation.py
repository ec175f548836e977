"""Row-level security, proven with raw SQL as the application role over every table of the catalogue."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier, Literal

from rag.adapters.postgres import keyword_index
from rag.adapters.postgres.connection import Session, open_pool
from rag.adapters.postgres.store import PostgresStore, PostgresTenantStore
from rag.domain.answers import Answer, AnswerStatus, Usage
from rag.domain.credentials import Limits, NewApiKey, Scope, fingerprint
from rag.domain.documents import EmbeddingModel, SourceKind
from tests.rag.adapters.postgres.builders import collection, event, ready

Connection = psycopg.Connection[TupleRow]


def fill(store: PostgresTenantStore) -> None:
    """At least one row in every table."""
    ready(store, "kept.txt", "A sentence of this tenant.")
    store.ledger.accept(event(store, "gone.txt", 1, operation="delete"), collection(store))
    streamed = event(store, "streamed.txt", 1, kind=SourceKind.KINESIS, uri="kinesis:0/1", record=b"{}")
    store.ledger.accept(streamed, collection(store))
    conversation = store.answers.start_conversation()
    answer = Answer(
        id=f"ans_{store.tenant}",
        status=AnswerStatus.INSUFFICIENT_EVIDENCE,
        text="",
        language="en",
        model="test",
        citations=(),
        unsupported=(),
        passages=(),
        usage=Usage(),
        timings_ms={},
        conversation_id=conversation.id,
    )
    store.answers.save(answer, question="?")
    store.answers.give_feedback(answer.id, rating="up", comment=None)
    store.idempotency.begin("key", "0" * 64)
    store.reembedding.start("notes", EmbeddingModel(id="other", dimensions=3))


def fill_credentials(store: PostgresStore, tenant: str) -> None:
    new = NewApiKey(tenant=tenant, name="test", scopes=(Scope.READ,))
    store.credentials.create(new, fingerprint(tenant))
    store.credentials.set_limits(tenant, Limits(requests_per_minute=1))
    store.credentials.count_tokens(tenant, 1)


def fill_posting_lists(store: PostgresTenantStore, conninfo: str) -> None:
    ready(store, "folded.txt", "A sentence that leaves.")
    with open_pool(conninfo) as pool, Session(pool, store.tenant).transaction() as connection:
        assert keyword_index.fold(connection, store.tenant, collection(store).id)
    ready(store, "folded.txt", "A sentence that comes.", order=2)


@contextmanager
def as_application(conninfo: str, tenant: str | None) -> Iterator[Connection]:
    """A transaction as the application role, rolled back in the end."""
    options = "-c role=acervo_app -c search_path=acervo,public"
    with psycopg.connect(make_conninfo(conninfo, options=options)) as connection:
        if tenant:
            connection.execute("SELECT set_config('acervo.tenant', %s, true)", (tenant,))
        yield connection
        connection.rollback()


def tables(connection: Connection) -> list[str]:
    """Every table and partition that the application role may touch at all, in any schema."""
    rows = connection.execute(
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'p', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
        " AND c.oid::regclass::text <> 'acervo_migrations.applied'"
    )
    return sorted(name for (name,) in rows)


@pytest.fixture
def filled(store: PostgresStore, conninfo: str) -> str:
    for tenant in ("alpha", "beta"):
        fill_posting_lists(store.tenant(tenant), conninfo)
        fill(store.tenant(tenant))
        fill_credentials(store, tenant)
    return conninfo


def count(connection: Connection, table: str, tenant: str) -> int:
    query = SQL("SELECT count(*) FROM {} WHERE tenant_id = {}").format(Identifier(table), Literal(tenant))
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def test_every_table_forces_a_policy_and_belongs_to_someone_else(filled: str) -> None:
    with as_application(filled, "alpha") as connection:
        rows = connection.execute(
            "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity, r.rolname FROM pg_class c"
            " JOIN pg_roles r ON r.oid = c.relowner"
            " WHERE c.relnamespace = 'acervo'::regnamespace AND c.relkind IN ('r', 'p')"
        ).fetchall()
    assert len(rows) >= 10
    assert [name for name, forced, owner in rows if not forced or owner == "acervo_app"] == []


def test_the_application_role_has_no_power_of_its_own(filled: str) -> None:
    with as_application(filled, None) as connection:
        row = connection.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin,"
            " (SELECT count(*) FROM pg_class WHERE relowner = r.oid)"
            " FROM pg_roles r WHERE rolname = current_user"
        ).fetchone()
    assert row == (False, False, False, False, False, 0)


def test_a_tenant_reads_its_own_rows_and_no_others(filled: str) -> None:
    with as_application(filled, "alpha") as connection:
        for table in tables(connection):
            assert count(connection, table, "alpha") > 0, f"{table}: the test has no row to tell apart"
            assert count(connection, table, "beta") == 0, table


def test_without_a_tenant_nothing_is_visible(filled: str) -> None:
    with as_application(filled, None) as connection:
        for table in tables(connection):
            assert count(connection, table, "alpha") == 0, table


def test_a_tenant_changes_and_deletes_no_row_of_another(filled: str) -> None:
    with as_application(filled, "alpha") as connection:
        for table in tables(connection):
            name = Identifier(table)
            update = SQL("UPDATE {} SET tenant_id = tenant_id WHERE tenant_id = 'beta'").format(name)
            assert connection.execute(update).rowcount == 0, table
            delete = SQL("DELETE FROM {} WHERE tenant_id = 'beta'").format(name)
            assert connection.execute(delete).rowcount == 0, table


def test_a_tenant_writes_no_row_for_another(filled: str) -> None:
    """Each row copied with the other's id, and each row given away, is refused by the policy."""
    with as_application(filled, "alpha") as connection:
        for table in tables(connection):
            for statement in (_copy_for_beta(connection, table), _give_away(table)):
                with (
                    pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"),
                    connection.transaction(),
                ):
                    connection.execute(statement)


def _copy_for_beta(connection: Connection, table: str) -> bytes:
    rows = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " AND attidentity = '' AND attgenerated = ''",
        (table,),
    )
    columns = [name for (name,) in rows]
    values = ", ".join("'beta'" if name == "tenant_id" else name for name in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table}".encode()  # noqa: S608


def _give_away(table: str) -> bytes:
    return f"UPDATE {table} SET tenant_id = 'beta'".encode()  # noqa: S608


def test_the_migrations_record_is_read_only(filled: str) -> None:
    with (
        as_application(filled, "alpha") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("DELETE FROM acervo_migrations.applied")


def test_a_worker_learns_the_names_of_all_tenants_and_nothing_else(filled: str, store: PostgresStore) -> None:
    assert store.tenants() == ("alpha", "beta")
    with as_application(filled, None) as connection:
        connection.execute("SET LOCAL acervo.worker = 'on'")
        seen = {table: count(connection, table, "alpha") for table in tables(connection)}
    assert {table for table, number in seen.items() if number} == {"tenants"}


def test_who_has_the_hash_of_a_key_reads_that_key_and_nothing_else(filled: str) -> None:
    with as_application(filled, None) as connection:
        connection.execute("SELECT set_config('acervo.api_key_sha256', %s, true)", (fingerprint("alpha"),))
        seen = {table: count(connection, table, "alpha") for table in tables(connection)}
        assert {table: number for table, number in seen.items() if number} == {"api_keys": 1}
        assert count(connection, "api_keys", "beta") == 0
        changed = connection.execute("UPDATE api_keys SET revoked_at = now()").rowcount
        assert changed == 0
