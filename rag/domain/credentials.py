"""API keys, whom a request comes from, and what a tenant may use."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

SECRET_PREFIX = "acervo_"  # noqa: S105 - by which scanners of leaked secrets know one


class Scope(StrEnum):
    """`admin` includes the others; `write` does not include `read`."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Whom a request comes from, as its credential alone says."""

    tenant: str
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes or Scope.ADMIN in self.scopes


@dataclass(frozen=True, kw_only=True)
class NewApiKey:
    tenant: str
    name: str
    scopes: tuple[Scope, ...]


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """What is kept of a key: never the secret. `last_used_at` is exact to the minute."""

    id: str
    tenant: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Of one tenant; None: unlimited. Tokens are those that models read and write, by calendar month in UTC.

    Requests come from a bucket that holds those of one minute and is refilled evenly.
    """

    requests_per_minute: int | None = None
    tokens_per_month: int | None = None


def new_secret() -> str:
    """`acervo_` and 256 random bits."""
    return SECRET_PREFIX + secrets.token_urlsafe(32)


def fingerprint(secret: str) -> str:
    """What the database keeps: SHA-256, in hexadecimal digits.

    A slow hash with a salt protects what people think up. Nobody guesses 256 random bits, so a slow one
    would protect nothing here, and cost every request.
    """
    return hashlib.sha256(secret.encode()).hexdigest()
