"""Grants of uploads to this process: an unguessable address each, of one use."""

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock

from rag.domain.uploads import UPLOAD_LIFETIME, UPLOADS_PATH, Upload, UploadGrant
from rag.errors import UploadNotFound

# Beyond that the oldest ones end, so that a client that asks for grants alone fills no memory.
MOST_GRANTS = 10_000


class UploadGrants:
    """They live as long as the process, and in it alone."""

    def __init__(self, clock: Callable[[], float] = time.time, *, most: int = MOST_GRANTS) -> None:
        self._clock = clock
        self._most = most
        self._lock = Lock()
        self._open: dict[str, tuple[Upload, float]] = {}

    def grant(self, upload: Upload) -> UploadGrant:
        expires = int(self._clock() + UPLOAD_LIFETIME.total_seconds())
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._make_room()
            self._open[token] = upload, expires
        return UploadGrant(
            method="PUT",
            url=UPLOADS_PATH + token,
            headers={"Content-Type": upload.media_type},
            expires_at=datetime.fromtimestamp(expires, UTC),
        )

    def granted(self, token: str) -> Upload:
        """Raises UploadNotFound."""
        with self._lock:
            return self._known(token)

    def redeem(self, token: str) -> None:
        """Of two that use it at the same time one succeeds. Raises UploadNotFound."""
        with self._lock:
            self._known(token)
            del self._open[token]

    def _known(self, token: str) -> Upload:
        upload, expires = self._open.get(token, (None, 0.0))
        if upload is None or self._clock() >= expires:
            raise UploadNotFound(
                "There is no such upload, it was used, or its time is over. Ask for a new one."
            )
        return upload

    def _make_room(self) -> None:
        """Grants stand in the order of their ends."""
        now = self._clock()
        while self._open:
            oldest = next(iter(self._open))
            if len(self._open) < self._most and self._open[oldest][1] > now:
                return
            del self._open[oldest]
