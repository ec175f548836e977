"""Logins by tokens: each new connection's password is signed for it."""

from collections.abc import Callable, Sequence
from typing import Protocol

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from rag.errors import DatabaseUnavailable, SettingInvalid
from rag.telemetry import logger


class TokenSigner(Protocol):
    def sign(self, *, host: str, port: int, user: str) -> str:
        """A password that lets `user` in, for some minutes."""
        ...


def with_tokens(conninfo: str, signer: TokenSigner) -> Callable[[], str]:
    """What makes the conninfo of each new connection. Raises SettingInvalid without a host or user."""
    fields = conninfo_to_dict(conninfo)
    host, port, user = fields.get("host"), int(fields.get("port") or 5432), fields.get("user")
    if not (host and user):
        raise SettingInvalid("DATABASE_URL names no host or no user, which a token must be signed for.")
    return lambda: make_conninfo(conninfo, password=signer.sign(host=str(host), port=port, user=str(user)))


def with_password(conninfo: str, password: str) -> str:
    return make_conninfo(conninfo, password=password)


def first_accepted(candidates: Sequence[str]) -> str:
    """The first by which the server lets us in; DatabaseUnavailable if it refuses all, or is away.

    libpq tells a refused password from a server that is away in words only.
    """
    for number, candidate in enumerate(candidates, 1):
        try:
            psycopg.connect(candidate, connect_timeout=10).close()
        except psycopg.OperationalError as error:
            logger.warning("Login %d of %d failed: %s", number, len(candidates), error)
        else:
            return candidate
    raise DatabaseUnavailable("The database does not answer, or refuses the login.")
