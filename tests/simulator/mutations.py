"""Faults put into the code at run time: a simulator that cannot see them is worth nothing."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property

from rag.adapters.postgres.connection import Connection, Session
from rag.adapters.postgres.ledger import PostgresLedger
from rag.adapters.postgres.store import PostgresStore, PostgresTenantStore
from rag.domain.content import TextPart
from rag.domain.documents import BuiltDocument, Collection, Document, SourceEvent, Work


class WithoutTombstones(PostgresLedger):
    """Forgets the order of every deletion."""

    def accept(self, event: SourceEvent, collection: Collection) -> Document | None:
        document = super().accept(event, collection)
        self._forget()
        return document

    def erase(self, work: Work) -> None:
        super().erase(work)
        self._forget()

    def _forget(self) -> None:
        with self._session.transaction() as connection:
            connection.execute("DELETE FROM tombstones")


class SplitSwitch(PostgresLedger):
    """Publishes in as many transactions as there are statements."""

    def publish(self, work: Work, built: BuiltDocument, last: TextPart) -> bool:
        return PostgresLedger(_Unbound(self._session._pool, self._tenant)).publish(work, built, last)  # noqa: SLF001 - a mutation reaches into what it mutates


class EarlyHash(PostgresLedger):
    """Saves the content hash before the chunks that it stands for are searchable."""

    def publish(self, work: Work, built: BuiltDocument, last: TextPart) -> bool:
        with self._session.transaction() as connection:
            connection.execute(
                "UPDATE documents SET content_sha256 = %s, recipe = %s WHERE document_id = %s AND claim = %s",
                (built.content_sha256, built.recipe, work.document_id, work.claim),
            )
        return super().publish(work, built, last)


class _Unbound(Session):
    """A session whose statements each commit by themselves."""

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with self._pool.connection() as connection:
            connection.execute("SELECT set_config('acervo.tenant', %s, false)", (self.tenant,))
            yield connection


# Each with the invariants that it breaks.
MUTATIONS: Mapping[str, tuple[type[PostgresLedger], frozenset[int]]] = {
    "tombstone": (WithoutTombstones, frozenset({1, 5})),
    "switch": (SplitSwitch, frozenset({2})),
    "hash": (EarlyHash, frozenset({1, 3})),
}


def mutated_store(mutation: type[PostgresLedger]) -> type[PostgresStore]:
    class Tenant(PostgresTenantStore):
        @cached_property
        def ledger(self) -> PostgresLedger:
            return mutation(self._session)

    class Store(PostgresStore):
        def tenant(self, tenant: str) -> PostgresTenantStore:
            return Tenant(self._session(self._pool, tenant))

    return Store
