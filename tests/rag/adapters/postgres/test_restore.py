"""Rows of a restored database brought into a deployment's own, as docs/operations.md says."""

import os
import subprocess
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from infra.bundles.functions import REPOSITORY
from rag.adapters.postgres.cluster import find_binaries
from rag.adapters.postgres.migrate import migrate
from rag.adapters.postgres.store import PostgresStore
from tests.doubles.rds import FIRST_PASSWORD, OWNER, Rds, rds_instance, rds_server
from tests.rag.adapters.postgres.builders import ready
from tests.rag.adapters.postgres.test_isolation import fill, fill_credentials

TABLES = """
    SELECT relname FROM pg_class WHERE relnamespace = 'acervo'::regnamespace AND relkind = 'r' ORDER BY 1
"""
_ROWS = SQL("SELECT t::text FROM {} t")
FILLED = (
    "documents",
    "document_texts",
    "chunks",
    "chunk_embeddings",
    "document_records",
    "api_keys",
    "answers",
)
UNFORCED = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'acervo'::regnamespace AND relrowsecurity AND NOT relforcerowsecurity
"""


@pytest.fixture(scope="module")
def instances(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rds, Rds]]:
    """Of what was restored, and of the deployment; both migrated."""
    folder = tmp_path_factory.mktemp("restore")
    with (
        rds_server(folder / "restored") as first,
        rds_server(folder / "deployed") as second,
        rds_instance(first) as restored,
        rds_instance(second) as deployed,
    ):
        for instance in (restored, deployed):
            migrate(_with_password(instance))
        yield restored, deployed


def _with_password(instance: Rds) -> str:
    return make_conninfo(instance.url(OWNER), password=FIRST_PASSWORD)


def _without_password(instance: Rds) -> str:
    parts = conninfo_to_dict(instance.url(OWNER))
    return make_conninfo(**{name: str(value) for name, value in parts.items() if name != "password"})


def _store(instance: Rds) -> PostgresStore:
    return PostgresStore(_with_password(instance))


def _restore(source: Rds, target: Rds) -> "subprocess.CompletedProcess[str]":
    environment = {
        "PATH": f"{find_binaries()}:{os.defpath}",
        "FROM_PASSWORD": FIRST_PASSWORD,
        "TO_PASSWORD": FIRST_PASSWORD,
    }
    command = [str(REPOSITORY / "infra" / "restore.sh"), *map(_without_password, (source, target))]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def _content(instance: Rds) -> dict[tuple[str, str], list[TupleRow]]:
    """Every row as text, by table."""
    with psycopg.connect(make_conninfo(instance.superuser, dbname="deployment")) as connection:
        names = [("acervo", str(row[0])) for row in connection.execute(TABLES)]
        return {name: sorted(connection.execute(_ROWS.format(Identifier(*name)))) for name in names}


@pytest.fixture(scope="module")
def filled(instances: tuple[Rds, Rds]) -> tuple[Rds, Rds]:
    restored, deployed = instances
    store = _store(restored)
    for tenant in ("acme", "globex"):
        fill(store.tenant(tenant))
        fill_credentials(store, tenant)
    store.close()
    store = _store(deployed)
    ready(store.tenant("acme"), "newer.txt", "What was written after the point in time.")
    store.close()
    return instances


def test_another_schema_is_refused_and_nothing_is_lost(filled: tuple[Rds, Rds]) -> None:
    restored, deployed = filled
    before = _content(deployed)
    deployed.execute("INSERT INTO acervo_migrations.applied (number) VALUES (9999)")
    done = _restore(restored, deployed)
    deployed.execute("DELETE FROM acervo_migrations.applied WHERE number = 9999")
    assert done.returncode != 0
    assert "different migrations" in done.stderr
    assert _content(deployed) == before
    assert deployed.query(UNFORCED) == []


def test_every_row_is_restored_and_the_database_works_on(filled: tuple[Rds, Rds]) -> None:
    restored, deployed = filled
    done = _restore(restored, deployed)
    assert (done.returncode, done.stderr) == (0, "")
    content = _content(deployed)
    assert content == _content(restored)
    assert all(content["acervo", name] for name in FILLED)
    assert deployed.query(UNFORCED) == []
    store = _store(deployed)
    store.tenant("acme").reembedding.discard("notes", switched=False, delay=timedelta())
    ready(store.tenant("acme"), "after.txt", "Written after the restore.")
    store.close()


def test_a_source_that_fails_half_way_leaves_the_target_as_it_was(filled: tuple[Rds, Rds]) -> None:
    restored, deployed = filled
    before = _content(deployed)
    restored.execute("REVOKE SELECT ON acervo.token_usage FROM acervo_owner, acervo_app")
    done = _restore(restored, deployed)
    restored.execute("GRANT SELECT ON acervo.token_usage TO acervo_owner, acervo_app")
    assert done.returncode != 0
    assert "permission denied" in done.stderr
    assert _content(deployed) == before
    assert deployed.query(UNFORCED) == []
