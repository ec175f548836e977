"""Bytes that go past the API: uploads and downloads by signed addresses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

UPLOAD_LIFETIME = timedelta(minutes=15)
# How long a presigned address of a document's bytes can be fetched.
DOWNLOAD_LIFETIME = timedelta(minutes=5)
# Below it lie the uploads that this server itself receives.
UPLOADS_PATH = "/v1/uploads/"


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One object of exactly `size` bytes that may be put behind one key.

    `api_key`: the fingerprint of the key whose bearer asked, None where it was another credential or none.
    """

    tenant: str
    collection: str
    key: str
    media_type: str
    size: int
    api_key: str | None = None


@dataclass(frozen=True, kw_only=True)
class UploadGrant:
    """How to send it: POST as a form with `fields` first and the part `file` last, or PUT with `headers`.

    A `url` that begins with / is this server's.
    """

    method: Literal["POST", "PUT"]
    url: str
    expires_at: datetime
    fields: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
