"""Grants of uploads that this process signs, and only it believes."""

import hashlib
import hmac
import json
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime

from rag.domain.uploads import UPLOAD_LIFETIME, UPLOADS_PATH, Upload, UploadGrant
from rag.errors import UploadNotFound


class UploadSigner:
    """The secret lives as long as the process: what it granted does not outlive it."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._secret = secrets.token_bytes(32)
        self._clock = clock

    def grant(self, upload: Upload) -> UploadGrant:
        expires = int(self._clock() + UPLOAD_LIFETIME.total_seconds())
        said = json.dumps([asdict(upload), expires]).encode()
        token = urlsafe_b64encode(self._signature(said) + said).rstrip(b"=").decode()
        return UploadGrant(
            method="PUT",
            url=UPLOADS_PATH + token,
            headers={"Content-Type": upload.media_type},
            expires_at=datetime.fromtimestamp(expires, UTC),
        )

    def granted(self, token: str) -> Upload:
        """Raises UploadNotFound."""
        try:
            signed = urlsafe_b64decode(token.encode("ascii") + b"==")
        except ValueError as error:  # also of characters beyond ASCII
            raise _unknown() from error
        signature, said = signed[: hashlib.sha256().digest_size], signed[hashlib.sha256().digest_size :]
        if not hmac.compare_digest(signature, self._signature(said)):
            raise _unknown()
        upload, expires = json.loads(said)
        if self._clock() >= expires:
            raise _unknown()
        return Upload(**upload)

    def _signature(self, said: bytes) -> bytes:
        return hmac.digest(self._secret, said, "sha256")


def _unknown() -> UploadNotFound:
    return UploadNotFound("There is no such upload, or its time is over. Ask for a new one.")
