"""An issuer's public keys: kept, and fetched again when they are old or a token names an unknown one."""

import json
import urllib.request
from collections.abc import Callable, Mapping
from threading import Lock
from time import monotonic
from typing import Any

from rag.errors import IdentityProviderUnavailable, SettingInvalid
from rag.telemetry import logger

# Seconds. A key that the issuer withdrew is believed for as long; longer while the issuer does not answer.
LIFETIME = 600
# Between two requests to the issuer, whatever tokens name: they come from anybody.
SHORTEST_PAUSE = 60
TIMEOUT = 5
MAX_BYTES = 1_000_000
# Never `oct`: a shared secret among public keys would let its readers sign.
_PUBLIC = frozenset({"RSA", "EC", "OKP"})

Keys = Mapping[str, Mapping[str, Any]]


class JsonWebKeys:
    """From `url`, or from `document` alone where that is given."""

    def __init__(self, *, url: str, document: str = "", clock: Callable[[], float] = monotonic) -> None:
        self._url = url
        self._clock = clock
        self._lock = Lock()
        self._keys: Keys = _given(document) if document else {}
        self._fixed = bool(document)
        self._fetched_at: float | None = None
        self._asked_at: float | None = None

    def find(self, name: str) -> Mapping[str, Any] | None:
        """Raises IdentityProviderUnavailable where no keys are known at all."""
        known = name in self._keys
        if not self._fixed and (not known or self._old()) and self._lock.acquire(blocking=not known):
            try:
                self._refresh(name)
            finally:
                self._lock.release()
        return self._keys.get(name)

    def _old(self) -> bool:
        return self._fetched_at is None or self._clock() - self._fetched_at > LIFETIME

    def _refresh(self, name: str) -> None:
        now = self._clock()
        fetched_meanwhile = name in self._keys and not self._old()
        if not fetched_meanwhile and (self._asked_at is None or now - self._asked_at >= SHORTEST_PAUSE):
            self._asked_at = now
            self._fetch(now)
        if self._fetched_at is None:
            raise IdentityProviderUnavailable(f"{self._url} gave no keys.")

    def _fetch(self, now: float) -> None:
        try:
            self._keys = _public_keys(json.loads(_fetch(self._url)))
            self._fetched_at = now
        except (OSError, ValueError) as error:
            logger.warning("The token issuer's keys cannot be fetched from %s: %s", self._url, error)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The keys come from the address that was configured, or not at all."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


def _fetch(url: str) -> bytes:
    """Raises OSError."""
    request = urllib.request.Request(url, headers={"Accept": "application/json"})  # noqa: S310 - see JwtSettings
    with _OPENER.open(request, timeout=TIMEOUT) as answer:
        body: bytes = answer.read(MAX_BYTES)
    return body


def _public_keys(document: Any) -> Keys:
    """Raises ValueError."""
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise ValueError("it is not a JSON Web Key Set")  # noqa: TRY004 - of the document, like all others
    return {
        key["kid"]: key
        for key in listed
        if isinstance(key, dict)
        and isinstance(key.get("kid"), str)
        and key.get("kty") in _PUBLIC
        and key.get("use", "sig") == "sig"
    }


def _given(document: str) -> Keys:
    try:
        return _public_keys(json.loads(document))
    except ValueError as error:
        raise SettingInvalid(f"ACERVO_JWT_JWKS cannot be used: {error}.") from error
