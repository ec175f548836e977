"""The store: one pool, a view of it for each tenant."""

from collections.abc import Callable
from functools import cached_property, partial
from time import sleep

from rag.adapters.postgres.answers import PostgresAnswers
from rag.adapters.postgres.collections import PostgresCollections
from rag.adapters.postgres.connection import (
    DEFAULT_POOL,
    Connection,
    Conninfo,
    Pool,
    PoolSettings,
    Session,
    open_pool,
    translated_errors,
)
from rag.adapters.postgres.credentials import PostgresCredentials
from rag.adapters.postgres.documents import PostgresDocuments
from rag.adapters.postgres.idempotency import PostgresIdempotency
from rag.adapters.postgres.index_administration import PostgresIndexes
from rag.adapters.postgres.ledger import PostgresLedger
from rag.adapters.postgres.migrate import migrate, migrations
from rag.adapters.postgres.reembedding import PostgresReembedding
from rag.adapters.postgres.search import PostgresIndex
from rag.errors import SetupError

# Of one statement; a search over 500,000 chunks takes less than a tenth of a second. What writes has no
# limit: deletions, ingestion and index builds take as long as there is to do.
READING_SECONDS = 10.0


class PostgresTenantStore:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._reading = session.limited_to(READING_SECONDS)
        self.tenant = session.tenant

    @cached_property
    def collections(self) -> PostgresCollections:
        return PostgresCollections(self._session)

    @cached_property
    def documents(self) -> PostgresDocuments:
        return PostgresDocuments(self._reading)

    @cached_property
    def ledger(self) -> PostgresLedger:
        return PostgresLedger(self._session)

    @cached_property
    def index(self) -> PostgresIndex:
        return PostgresIndex(self._reading)

    @cached_property
    def reembedding(self) -> PostgresReembedding:
        return PostgresReembedding(self._session)

    @cached_property
    def indexes(self) -> PostgresIndexes:
        return PostgresIndexes(self._session)

    @cached_property
    def answers(self) -> PostgresAnswers:
        return PostgresAnswers(self._reading)

    @cached_property
    def idempotency(self) -> PostgresIdempotency:
        return PostgresIdempotency(self._session)


class PostgresStore:
    """Migrates the schema when opened, then works as the application role only.

    `migrates` False: the deployment has done it; otherwise `owner` does, where that is another login.
    `patience`: how long the write path waits for a database that does not answer, seconds.
    """

    def __init__(
        self,
        conninfo: Conninfo,
        *,
        migrates: bool = True,
        owner: str | None = None,
        pool: PoolSettings = DEFAULT_POOL,
        patience: float = 0,
        pause: Callable[[float], None] = sleep,
        connection_class: type[Connection] | None = None,
    ) -> None:
        if migrates:
            migrate(owner or (conninfo if isinstance(conninfo, str) else conninfo()))
        self._pool: Pool = open_pool(conninfo, pool, connection_class=connection_class)
        self._session = partial(Session, patience=patience, pause=pause)

    def check(self) -> None:
        """A newer schema is as good: migrations add, and a roll-back of the code leaves them in place."""
        with translated_errors(), self._pool.connection() as connection:
            row = connection.execute("SELECT max(number) AS number FROM acervo_migrations.applied").fetchone()
        applied, known = (row or {}).get("number") or 0, migrations()[-1][0]
        if applied < known:
            raise SetupError(f"The schema is at migration {applied}; this version of Acervo needs {known}.")

    def tenants(self) -> tuple[str, ...]:
        with translated_errors(), self._pool.connection() as connection, connection.transaction():
            connection.execute("SET LOCAL acervo.worker = 'on'")
            rows = connection.execute("SELECT tenant_id FROM tenants ORDER BY tenant_id").fetchall()
        return tuple(row["tenant_id"] for row in rows)

    def tenant(self, tenant: str) -> PostgresTenantStore:
        return PostgresTenantStore(self._session(self._pool, tenant))

    @cached_property
    def credentials(self) -> PostgresCredentials:
        return PostgresCredentials(self._pool, partial(self._session, self._pool))

    def reconnect(self) -> None:
        """After the server was started again: no request is to meet a connection to the old one."""
        self._pool.check()

    def close(self) -> None:
        self._pool.close()
