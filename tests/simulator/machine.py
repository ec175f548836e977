"""What a process simulates with: a database of its own, a bucket server, a few execution environments."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from rag.adapters.postgres.connection import Connection
from rag.adapters.postgres.embedded import DEFAULT_SETTINGS, EmbeddedServer
from rag.adapters.postgres.migrate import migrate
from rag.adapters.postgres.store import PostgresStore
from tests.doubles.bedrock_server import bedrock_server
from tests.doubles.bucket import Bucket
from tests.doubles.s3_server import BUCKET, S3Server, s3_server
from tests.simulator.environment import Environment, StoreFactory, open_owner

# A paused worker lets others run, which may be paused in their turn.
DEPTH = 3

_TABLES = sql.SQL(
    "SELECT relname FROM pg_class WHERE relnamespace = 'acervo'::regnamespace AND relkind = 'r'"
)


@dataclass(frozen=True, kw_only=True)
class Machine:
    owner: Connection
    server: S3Server
    environments: tuple[Environment, ...]
    tables: sql.Composed

    def reset(self, *, versioned: bool, served: bool) -> Bucket:
        """Empties the database and gives a new bucket; `served`: bucket and model are behind servers."""
        for environment in self.environments:
            environment.choose(served=served)
        self.owner.execute(sql.SQL("TRUNCATE {}").format(self.tables))
        self.server.changes.clear()
        bucket = Bucket(name=BUCKET, versioned=versioned)
        self.server.buckets[BUCKET] = bucket
        return bucket

    def advance(self, seconds: float) -> None:
        """Lets time go by for every lease and every waiting document."""
        self.owner.execute(
            "UPDATE documents SET lease_until = lease_until - %(by)s, offered_at = offered_at - %(by)s"
            " WHERE status IN ('pending', 'processing', 'deleting')",
            {"by": timedelta(seconds=seconds)},
        )


@contextmanager
def machine(server: str, template: str, *, make_store: StoreFactory = PostgresStore) -> Iterator[Machine]:
    """Over a database of its own on the server behind a conninfo, a copy of the template."""
    with ExitStack() as stack:
        name = stack.enter_context(_database(server, template))
        conninfo = make_conninfo(server, dbname=name)
        owner = stack.enter_context(open_owner(conninfo))
        bucket_server = stack.enter_context(s3_server())
        model_server = stack.enter_context(bedrock_server())
        environments = [
            Environment(conninfo, owner, bucket_server, model_server, make_store) for _ in range(DEPTH)
        ]
        for environment in environments:
            stack.callback(environment.close)
        names = [sql.Identifier("acervo", row["relname"]) for row in owner.execute(_TABLES)]
        yield Machine(
            owner=owner,
            server=bucket_server,
            environments=tuple(environments),
            tables=sql.SQL(", ").join(names),
        )


@contextmanager
def database_server() -> Iterator[str]:
    """The conninfo of a throw-away server's superuser."""
    settings = {**DEFAULT_SETTINGS, "autovacuum": "off"}
    with (
        TemporaryDirectory() as folder,
        EmbeddedServer(Path(folder), settings=settings, sync=False) as running,
    ):
        yield running.start()


@contextmanager
def template_database(server: str) -> Iterator[str]:
    """The name of a migrated database to copy."""
    with _database(server, "template1") as name:
        migrate(make_conninfo(server, dbname=name))
        yield name


@contextmanager
def _database(server: str, template: str) -> Iterator[str]:
    name = f"simulated_{uuid4().hex}"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
    yield name
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
