"""The first response to each Idempotency-Key, kept for 24 hours."""

from collections.abc import Mapping

from psycopg.types.json import Jsonb

from rag.adapters.postgres.connection import Session
from rag.adapters.postgres.queries import load
from rag.errors import IdempotencyKeyReused, RequestInProgress

_sql = load("idempotency")
_collections = load("collections")


class PostgresIdempotency:
    def __init__(self, session: Session) -> None:
        self._session = session

    def begin(self, key: str, request_sha256: str) -> tuple[int, Mapping[str, str], bytes] | None:
        values = {"tenant": self._session.tenant, "key": key, "request_sha256": request_sha256}
        with self._session.transaction() as connection:
            connection.execute(_collections["ensure_tenant"], values)
            connection.execute(_sql["expire"])
            if connection.execute(_sql["begin"], values).fetchone():
                return None
            first = connection.execute(_sql["first"], values).fetchone()
            if first is None or first["request_sha256"] != request_sha256:
                raise IdempotencyKeyReused(
                    "This Idempotency-Key came with another request before; use a new key.",
                    pointer="/Idempotency-Key",
                )
            if first["status"] is not None:
                return first["status"], first["headers"], first["body"].encode()
            if connection.execute(_sql["take_over"], values).fetchone():
                return None  # the first request died with its process
            raise RequestInProgress("The first request with this Idempotency-Key is still running.")

    def finish(self, key: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
        values = {"key": key, "status": status, "headers": Jsonb(dict(headers)), "body": body.decode()}
        with self._session.transaction() as connection:
            connection.execute(_sql["finish"], values)

    def abandon(self, key: str) -> None:
        with self._session.transaction() as connection:
            connection.execute(_sql["abandon"], {"key": key})
