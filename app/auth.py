"""Whose request it is: the tenant and the scopes come from its credential alone."""

from collections.abc import Callable
from enum import Enum, auto
from time import monotonic

from rag.domain.credentials import SECRET_PREFIX, Principal, Scope, fingerprint
from rag.errors import InsufficientScope, Unauthenticated
from rag.ports import CredentialStore, TokenVerifier

LOCAL_TENANT = "local"
_LOCAL = Principal(tenant=LOCAL_TENANT, scopes=frozenset(Scope))
# How long after the first key was made the server may still ask for none, seconds.
LOOK_AGAIN = 1.0


class Anonymous(Enum):
    """What a request without a credential may do."""

    REFUSED = auto()
    LOCAL_UNTIL_CREDENTIALS_EXIST = auto()
    LOCAL = auto()


class Gatekeeper:
    """Admits requests, or says why not; `credentials` is asked for when the first one comes."""

    def __init__(
        self,
        credentials: Callable[[], CredentialStore],
        *,
        tokens: TokenVerifier | None,
        anonymous: Anonymous,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._credentials = credentials
        self._tokens = tokens
        self._anonymous = anonymous
        self._clock = clock
        self._open_until: float | None = None

    def admit(self, authorization: str | None, *, scope: Scope, spends_tokens: bool) -> Principal:
        """Counts the request.

        Raises Unauthenticated, InsufficientScope, RateLimited and TokenBudgetExhausted.
        """
        if authorization is None:
            return self._admit_anonymous(spends_tokens=spends_tokens)
        principal = self._identify(_bearer(authorization), spends_tokens=spends_tokens)
        if not principal.may(scope):
            raise InsufficientScope(f"This needs a credential with the scope {scope!s}.", scope=scope)
        return principal

    def admitted_at_once(self, authorization: str | None, *, spends_tokens: bool) -> Principal | None:
        """The principal where nothing has to be asked of the database: local mode without credentials."""
        if authorization is not None or spends_tokens or self._open_until is None:
            return None
        return _LOCAL if self._clock() < self._open_until else None

    def _identify(self, credential: str, *, spends_tokens: bool) -> Principal:
        if credential.startswith(SECRET_PREFIX):
            found = self._credentials().admit_key(fingerprint(credential), spends_tokens=spends_tokens)
            if found is None:
                raise Unauthenticated("The API key is unknown or revoked.")
            return found
        if self._tokens is None:
            raise Unauthenticated("The credential is not an API key, and no issuer of tokens is configured.")
        principal = self._tokens.verify(credential)
        self._credentials().admit(principal.tenant, spends_tokens=spends_tokens)
        return principal

    def _admit_anonymous(self, *, spends_tokens: bool) -> Principal:
        if not self._is_open():
            raise Unauthenticated("Send an API key or a token: Authorization: Bearer …")
        if spends_tokens:
            self._credentials().admit(LOCAL_TENANT, spends_tokens=True)
        return _LOCAL

    def _is_open(self) -> bool:
        if self._anonymous is not Anonymous.LOCAL_UNTIL_CREDENTIALS_EXIST:
            return self._anonymous is Anonymous.LOCAL
        now = self._clock()
        if self._open_until is not None and now < self._open_until:
            return True
        if self._tokens is not None or self._credentials().any_keys():
            self._open_until = None
            return False
        self._open_until = now + LOOK_AGAIN
        return True


def key_fingerprint(authorization: str | None) -> str | None:
    """Of an admitted request's API key; None where it had another credential or none."""
    credential = _bearer(authorization) if authorization else ""
    return fingerprint(credential) if credential.startswith(SECRET_PREFIX) else None


def _bearer(authorization: str) -> str:
    scheme, _, credential = authorization.partition(" ")
    if scheme.lower() != "bearer" or not credential.strip():
        raise Unauthenticated("The header is not of the form Authorization: Bearer …")
    return credential.strip()
