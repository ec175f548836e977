"""API keys, limits and used tokens; a request is admitted by one statement."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from psycopg.rows import DictRow

from rag.adapters.postgres.connection import Pool, Session, translated_errors
from rag.adapters.postgres.queries import load
from rag.domain.credentials import ApiKey, Limits, NewApiKey, Principal, Scope
from rag.domain.ids import new_id
from rag.errors import ApiKeyNotFound, RateLimited, TokenBudgetExhausted

_sql = load("credentials")
_collections = load("collections")


class PostgresCredentials:
    def __init__(self, pool: Pool, session: Callable[[str], Session]) -> None:
        self._pool = pool
        self._session = session

    def create(self, new: NewApiKey, sha256: str) -> ApiKey:
        values = {**asdict(new), "key_id": new_id("key"), "sha256": sha256, "scopes": [*map(str, new.scopes)]}
        with self._session(new.tenant).transaction() as connection:
            connection.execute(_collections["ensure_tenant"], values)
            connection.execute(_sql["close"], values)
            rows = connection.execute(_sql["create"], values).fetchall()
        return _key_from(rows[0])

    def list(self, tenant: str) -> tuple[ApiKey, ...]:
        with self._session(tenant).transaction() as connection:
            rows = connection.execute(_sql["list"], {"tenant": tenant}).fetchall()
        return tuple(map(_key_from, rows))

    def revoke(self, tenant: str, key_id: str) -> ApiKey:
        with self._session(tenant).transaction() as connection:
            row = connection.execute(_sql["revoke"], {"tenant": tenant, "key_id": key_id}).fetchone()
        if row is None:
            raise ApiKeyNotFound(f"The tenant {tenant} has no API key {key_id}.")
        return _key_from(row)

    def any_keys(self) -> bool:
        with translated_errors(), self._pool.connection() as connection, connection.transaction():
            connection.execute("SET LOCAL acervo.worker = 'on'")
            row = connection.execute(_sql["any_keys"]).fetchone()
        return bool(row and row["found"])

    def admit_key(self, sha256: str, *, spends_tokens: bool) -> Principal | None:
        row = self._admitted("admit_key", {"sha256": sha256, "spends_tokens": spends_tokens})
        if row is None:
            return None
        return Principal(tenant=row["tenant"], scopes=frozenset(map(Scope, row["scopes"])))

    def admit(self, tenant: str, *, spends_tokens: bool) -> None:
        self._admitted("admit", {"tenant": tenant, "spends_tokens": spends_tokens})

    def limits(self, tenant: str) -> Limits:
        with self._session(tenant).transaction() as connection:
            row = connection.execute(_sql["limits"], {"tenant": tenant}).fetchone()
        return Limits(**row) if row else Limits()

    def set_limits(self, tenant: str, limits: Limits) -> None:
        values = {"tenant": tenant, **asdict(limits)}
        with self._session(tenant).transaction() as connection:
            connection.execute(_collections["ensure_tenant"], values)
            connection.execute(_sql["set_limits"], values)

    def count_tokens(self, tenant: str, tokens: int) -> None:
        values = {"tenant": tenant, "tokens": tokens}
        with self._session(tenant).transaction() as connection:
            connection.execute(_collections["ensure_tenant"], values)
            connection.execute(_sql["count_tokens"], values)

    def tokens_used(self, tenant: str) -> int:
        with self._session(tenant).transaction() as connection:
            row = connection.execute(_sql["tokens_used"], {"tenant": tenant}).fetchone()
        return int(row["tokens"]) if row else 0

    def _admitted(self, query: str, values: dict[str, Any]) -> DictRow | None:
        """One statement, its own transaction: the function names the tenant in it."""
        with translated_errors(), self._pool.connection() as connection:
            row = connection.execute(_sql[query], values).fetchone()
        if row and row["refusal"] == "request_rate":
            raise RateLimited(retry_after_seconds=row["wait_seconds"])
        if row and row["refusal"] == "token_budget":
            raise TokenBudgetExhausted(retry_after_seconds=row["wait_seconds"])
        return row


def _key_from(row: DictRow) -> ApiKey:
    return ApiKey(
        id=row["key_id"],
        tenant=row["tenant_id"],
        name=row["name"],
        scopes=tuple(map(Scope, row["scopes"])),
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
        revoked_at=row["revoked_at"],
    )
