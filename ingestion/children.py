"""Documents inside of a document, as documents of their own: attachments of a mail, lines of JSON."""

import base64
import hashlib
import json
from contextlib import closing, suppress
from typing import Final
from urllib.parse import quote

from ingestion.attempt import Attempt
from ingestion.isolation import Parser
from ingestion.parse.media_type import EML
from rag.domain.documents import Child, Work
from rag.domain.keys import validate_key
from rag.errors import DocumentTooLarge, InvalidKey
from rag.originals import Original

MAX_CHILDREN: Final = 100_000
# Accepted in one transaction: so many, or as soon as they have so many bytes.
_BATCH: Final = 100
_BATCH_BYTES: Final = 8_000_000


def adopt_enclosed(parser: Parser, attempt: Attempt, found: Original, media_type: str) -> bool:
    """Whether there are any. Raises DocumentTooLarge, InvalidKey and what reading raises."""
    count = size = 0
    batch: list[Child] = []
    inside = parser.enclosed(found.on_disk(), found.size, media_type=media_type, beat=attempt.renew)
    with closing(inside):
        for count, (name, declared, body) in enumerate(inside, start=1):
            if count > MAX_CHILDREN:
                raise DocumentTooLarge(
                    f"The file holds more than {MAX_CHILDREN:,} documents. Split it into smaller files."
                )
            key = _key(attempt.work.key + ("/" if media_type == EML else "#"), name, count)
            batch.append(_child(attempt.work, key, name, declared, body))
            size += len(body)
            if len(batch) == _BATCH or size > _BATCH_BYTES:
                attempt.adopt(batch)
                batch, size = [], 0
    attempt.adopt(batch)
    return count > 0


def _key(before: str, name: str, number: int) -> str:
    """Raises InvalidKey where the file's own key leaves no room for another."""
    with suppress(InvalidKey):
        return validate_key(before + name)
    return validate_key(f"{before}{number}")


def _child(work: Work, key: str, name: str, declared: str, body: bytes) -> Child:
    record = {
        "op": "upsert",
        "collection": work.collection.name,
        "key": key,
        "media_type": declared,
        "content_base64": base64.b64encode(body).decode(),
    }
    what = "line" if key.startswith(f"{work.key}#") else "attachment"
    return Child(
        key=key,
        uri=f"{work.source_uri}#{what}={quote(name, safe='')}",
        etag=hashlib.sha256(declared.encode() + b"\0" + body).hexdigest(),
        size=len(body),
        record=json.dumps(record).encode(),
    )
