"""JSON Web Tokens of one issuer: signature, time, audience; then tenant and scopes."""

from typing import Any, Self

import jwt
from jwt import PyJWK
from jwt.exceptions import ExpiredSignatureError, InvalidKeyError, InvalidTokenError, PyJWKError

from rag.adapters.jwks import JsonWebKeys
from rag.domain.buckets import validate_tenant
from rag.domain.credentials import Principal, Scope
from rag.errors import InvalidKey, Unauthenticated
from rag.settings import JwtSettings

_REFUSED = "The token is not valid here."


class JwtVerifier:
    """The algorithm is one that the settings name, and the key's own: a token chooses neither."""

    def __init__(self, settings: JwtSettings, keys: JsonWebKeys) -> None:
        self._settings = settings
        self._keys = keys

    @classmethod
    def of(cls, settings: JwtSettings) -> Self:
        return cls(settings, JsonWebKeys(url=settings.jwt_jwks_url, document=settings.jwt_jwks))

    def verify(self, token: str) -> Principal:
        claims = self._claims(token)
        return Principal(tenant=self._tenant(claims), scopes=self._scopes(claims))

    def _claims(self, token: str) -> dict[str, Any]:
        settings = self._settings
        by_standard = settings.jwt_audience_claim == "aud"
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key(token),
                algorithms=list(settings.jwt_algorithms),
                issuer=settings.jwt_issuer,
                audience=settings.jwt_audience if by_standard else None,
                leeway=settings.jwt_leeway_seconds,
                options={"require": ["exp", "iss"], "verify_aud": by_standard},
            )
        except ExpiredSignatureError as error:
            raise Unauthenticated("The token has expired. Get a new one.") from error
        except InvalidTokenError as error:
            raise Unauthenticated(_REFUSED) from error
        if not by_standard and claims.get(settings.jwt_audience_claim) != settings.jwt_audience:
            raise Unauthenticated(_REFUSED)
        return claims

    def _key(self, token: str) -> PyJWK:
        """Raises InvalidTokenError; IdentityProviderUnavailable where the keys cannot be had."""
        header = jwt.get_unverified_header(token)
        algorithm, name = header.get("alg"), header.get("kid")
        if algorithm not in self._settings.jwt_algorithms or not isinstance(name, str):
            raise InvalidTokenError("the algorithm is not accepted, or the key is not named")
        found = self._keys.find(name)
        # A key without an algorithm of its own fits every one of its type.
        if found is None or found.get("alg", algorithm) != algorithm:
            raise InvalidTokenError("the issuer has no such key")
        try:
            return PyJWK(dict(found), algorithm=algorithm)
        except (InvalidKeyError, PyJWKError) as error:
            raise InvalidTokenError("the key does not fit the algorithm") from error

    def _tenant(self, claims: dict[str, Any]) -> str:
        tenant = claims.get(self._settings.jwt_tenant_claim)
        try:
            return validate_tenant(tenant if isinstance(tenant, str) else "")
        except InvalidKey as error:
            raise Unauthenticated(
                f"The token's claim {self._settings.jwt_tenant_claim!r} names no tenant."
            ) from error

    def _scopes(self, claims: dict[str, Any]) -> frozenset[Scope]:
        said = claims.get(self._settings.jwt_scopes_claim)
        names = said.split() if isinstance(said, str) else said if isinstance(said, list) else ()
        wanted = {self._settings.jwt_scope_prefix + scope: scope for scope in Scope}
        return frozenset(wanted[name] for name in names if isinstance(name, str) and name in wanted)
