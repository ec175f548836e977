"""An issuer's public keys: kept, and fetched again when they are old or a token names an unknown one."""

import json
from collections.abc import Callable, Mapping
from http.client import HTTPException
from threading import BoundedSemaphore, Event, Lock, Thread
from time import monotonic
from typing import Any

from rag.adapters.timed_fetch import fetch
from rag.errors import IdentityProviderUnavailable, SettingInvalid
from rag.telemetry import logger

# Seconds. A key that the issuer withdrew is believed for as long; longer while the issuer does not answer.
LIFETIME = 600
# Between two requests to the issuer, whatever tokens name: they come from anybody. Until then every name
# that its last answer lacked is known to be unknown.
SHORTEST_PAUSE = 60
# For all of one fetch, however slowly its bytes come.
DEADLINE = 5
# Requests that may wait for a fetch: each holds one of 40 threads. The others are told to come back.
MOST_WAITING = 8
MAX_BYTES = 1_000_000
THREAD = "token-issuer"
# Never `oct`: a shared secret among public keys would let its readers sign.
_PUBLIC = frozenset({"RSA", "EC", "OKP"})

Keys = Mapping[str, Mapping[str, Any]]


class JsonWebKeys:
    """From `url`, or from `document` alone where that is given.

    Nobody waits for the issuer but requests that name a key which is not known.
    """

    def __init__(self, *, url: str, document: str = "", clock: Callable[[], float] = monotonic) -> None:
        self._url = url
        self._clock = clock
        self._lock = Lock()
        self._waiting = BoundedSemaphore(MOST_WAITING)
        self._keys: Keys = _given(document) if document else {}
        self._fixed = bool(document)
        self._answered = self._fixed
        self._fetched_at: float | None = None
        self._asked_at: float | None = None
        self._fetch_done: Event | None = None

    def find(self, name: str) -> Mapping[str, Any] | None:
        """Raises IdentityProviderUnavailable where the key is not known and the issuer does not answer."""
        if self._fixed:
            return self._keys.get(name)
        known = self._keys.get(name)
        if known is not None:
            if self._old():
                self._begin_fetch()
            return known
        return self._look_for(name)

    def _look_for(self, name: str) -> Mapping[str, Any] | None:
        done = self._begin_fetch()
        if done is not None:
            self._wait(done)
        found = self._keys.get(name)
        if found is None and not self._answered:
            raise self._unavailable()
        return found

    def _old(self) -> bool:
        return self._fetched_at is None or self._clock() - self._fetched_at > LIFETIME

    def _begin_fetch(self) -> Event | None:
        """What is set when the running fetch has ended; None where none is due."""
        with self._lock:
            if self._fetch_done is not None:
                return self._fetch_done
            now = self._clock()
            if self._asked_at is not None and now - self._asked_at < SHORTEST_PAUSE:
                return None
            done = Event()
            Thread(target=self._fetch, args=(done, now), name=THREAD, daemon=True).start()
            self._asked_at, self._fetch_done = now, done
            return done

    def _wait(self, done: Event) -> None:
        if not self._waiting.acquire(blocking=False):
            raise IdentityProviderUnavailable(f"Others wait for {self._url} already.")
        try:
            if not done.wait(DEADLINE):
                raise self._unavailable()
        finally:
            self._waiting.release()

    def _unavailable(self) -> IdentityProviderUnavailable:
        asked_at = self._asked_at if self._asked_at is not None else self._clock()
        pause = max(1, round(asked_at + SHORTEST_PAUSE - self._clock()))
        return IdentityProviderUnavailable(f"{self._url} gave no keys.", retry_after_seconds=pause)

    def _fetch(self, done: Event, now: float) -> None:
        try:
            self._keys = _public_keys(json.loads(fetch(self._url, seconds=DEADLINE, max_bytes=MAX_BYTES)))
            self._fetched_at, self._answered = now, True
        except (OSError, HTTPException, ValueError) as error:
            self._answered = False
            logger.warning("The token issuer's keys cannot be fetched from %s: %r", self._url, error)
        finally:
            with self._lock:
                self._fetch_done = None
            done.set()


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
