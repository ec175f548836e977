"""How an event changes the ledger: the later order wins, and a key stays with its door."""

from dataclasses import asdict
from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from rag.adapters.postgres.connection import Connection
from rag.adapters.postgres.documents import record
from rag.adapters.postgres.queries import load
from rag.domain.buckets import same_state
from rag.domain.documents import Collection, DocumentStatus, SourceEvent, SourceKind
from rag.domain.ids import new_id

_sql = load("ledger")


class Acceptance:
    """One event, inside one transaction that holds the key's lock."""

    def __init__(
        self, connection: Connection, tenant: str, event: SourceEvent, collection: Collection
    ) -> None:
        self._connection = connection
        self._event = event
        self._values: dict[str, Any] = {
            **asdict(event),
            **asdict(event.attributes),
            "metadata": Jsonb(event.attributes.metadata),
            "collection_id": collection.id,
            "tenant": tenant,
            "door": door_of(event.uri),
        }
        connection.execute(_sql["lock_key"], self._values)
        self._known = connection.execute(_sql["known"], self._values).fetchone()

    def conflicts(self) -> bool:
        """Whether another door, or another parent, has the key; the document's history tells of it."""
        known = self._known
        if known is None:
            return False
        same_door = door_of(known["source_uri"]) == self._values["door"]
        if same_door and known["parent_id"] == self._event.parent_id:
            return False
        self._connection.execute(
            _sql["record_conflict"],
            {**self._values, "document_id": known["document_id"], "version": known["latest_version"]},
        )
        return True

    def apply(self) -> str | None:
        """The id of the document that stands behind the key, if one does."""
        return self._apply_known(self._known) if self._known else self._apply_new()

    def apply_observed(self, order: str) -> bool:
        """What a source saw without an order of its own, if nothing was accepted since `order`."""
        if known_order(self._connection, self._values) != order:
            return False
        self._values["order"] = order
        if self._known is None:
            if self._event.operation == "upsert":
                self._insert()
        elif self._event.operation == "delete":
            self._delete(self._known)
        else:
            self._renew(self._known)
        return True

    def _apply_new(self) -> str | None:
        if self._event.operation == "describe":
            return None
        if self._event.operation == "delete":
            if self._event.order:
                self._execute("bury")
            return None
        tombstone = self._connection.execute(_sql["tombstone"], self._values).fetchone()
        if tombstone and self._event.order:
            if tombstone["source_order"] >= self._event.order:
                return None
        elif tombstone:
            # Announced only: events as old as the deletion must still be told from the one to come.
            self._values["order"] = tombstone["source_order"]
        return self._insert()

    def _insert(self) -> str:
        document_id = new_id("doc")
        self._values["document_id"] = document_id
        self._execute("insert")
        self._execute("unearth")
        self._save_record()
        self._record(document_id, 1, "accepted", self._event.uri)
        return document_id

    def _apply_known(self, known: DictRow) -> str:
        event = self._event
        document_id = str(known["document_id"])
        self._values["document_id"] = document_id
        if event.operation == "describe":
            self._describe(known)
        elif not event.order:
            self._announce(known)
        elif event.order <= known["source_order"]:
            pass  # a repeated or late event: a later one is known
        elif event.operation == "delete":
            self._delete(known)
        elif self._same_state(known):
            self._execute("touch")
        else:
            self._renew(known)
        return document_id

    def _same_state(self, known: DictRow) -> bool:
        """Nothing to do but to remember the order.

        S3's etag does not tell of a new object's attributes, so each event of S3 is a reason to look again,
        unless nobody has looked yet.
        """
        if not self._has_state(known) or known["status"] == DocumentStatus.DELETING:
            return False
        return self._event.kind is SourceKind.FOLDER or known["status"] == DocumentStatus.PENDING

    def _describe(self, known: DictRow) -> None:
        # Whoever takes a pending document up will see the new attributes anyway.
        if known["status"] not in {DocumentStatus.DELETING, DocumentStatus.PENDING}:
            self._execute("offer_again")
            self._record(known["document_id"], known["latest_version"] + 1, "described", self._event.uri)

    def _announce(self, known: DictRow) -> None:
        """The event with the order is still to come; until then nobody may read a settled status."""
        self._values["order"] = known["source_order"]
        if self._event.operation == "delete":
            self._delete(known)
        elif not self._has_state(known) or known["status"] == DocumentStatus.DELETING:
            self._renew(known)

    def _has_state(self, known: DictRow) -> bool:
        return same_state(self._event.etag, known["source_etag"])

    def _delete(self, known: DictRow) -> None:
        self._values["document_id"] = known["document_id"]
        self._execute("mark_deleting")
        self._record(known["document_id"], known["latest_version"] + 1, "deleting")

    def _renew(self, known: DictRow) -> None:
        self._values["document_id"] = known["document_id"]
        self._execute("renew_version")
        self._save_record()
        self._record(known["document_id"], known["latest_version"] + 1, "accepted", self._event.uri)

    def _save_record(self) -> None:
        if self._event.record is not None:
            self._execute("save_record")

    def _execute(self, query: str) -> None:
        self._connection.execute(_sql[query], self._values)

    def _record(self, document_id: str, version: int, event: str, detail: str = "") -> None:
        record(
            self._connection,
            self._values["tenant"],
            document_id,
            version=version,
            event=event,
            detail=detail,
        )


def door_of(uri: str) -> str:
    """`folder`, `s3` or `kinesis`."""
    return uri.partition(":")[0]


def known_order(connection: Connection, values: dict[str, Any]) -> str:
    row = connection.execute(_sql["order"], values).fetchone()
    return (row["known"] if row else None) or ""
