"""A bucket in memory: versions, delete markers, and the notification that S3 sends of each change."""

import hashlib
import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

OWNER = "A3NL1KOZZKExample"


class Sequencers:
    """Hexadecimal, growing under S3's comparison, of varying length: final zeros may be missing."""

    def __init__(self) -> None:
        self._steps = itertools.cycle([1, 1, 0x10, 1, 0x1000, 1, 0x100, 1])
        self._last = 0x0062_F1A3_B2C4_0000_0D

    def next(self) -> str:
        step = next(self._steps)
        self._last = (self._last // step + 1) * step
        return f"{self._last:018X}".rstrip("0")


@dataclass(frozen=True, kw_only=True)
class Version:
    """One state of an object; a deletion in a versioned bucket is a version too, a marker."""

    id: str
    body: bytes
    etag: str
    content_type: str
    metadata: Mapping[str, str]
    modified: datetime
    marker: bool = False


@dataclass(frozen=True, kw_only=True)
class Change:
    """What was done to a key. `notification` is the whole event that S3 sends, as Lambda receives it."""

    key: str
    version: Version | None
    sequencer: str
    notification: dict[str, Any]


@dataclass(kw_only=True)
class Bucket:
    """`listener` is called with every change, in order, under the bucket's lock."""

    name: str
    versioned: bool
    sequencers: Sequencers = field(default_factory=Sequencers)
    listener: Callable[[Change], None] = lambda _change: None
    _versions: dict[str, list[Version]] = field(default_factory=dict)
    _count: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def put(
        self,
        key: str,
        body: bytes,
        *,
        content_type: str = "binary/octet-stream",
        metadata: Mapping[str, str] | None = None,
    ) -> Change:
        with self._lock:
            version = self._version(body, content_type, metadata or {})
            self._add(key, version)
            return self._tell("ObjectCreated:Put", key, version)

    def delete(self, key: str, version_id: str | None = None) -> Change:
        with self._lock:
            if version_id is not None:
                kept = [version for version in self.versions(key) if version.id != version_id]
                self._keep(key, kept)
                return self._tell("ObjectRemoved:Delete", key, None, version_id)
            if not self.versioned:
                self._keep(key, [])
                return self._tell("ObjectRemoved:Delete", key, None)
            marker = self._version(b"", "", {}, marker=True)
            self._add(key, marker)
            return self._tell("ObjectRemoved:DeleteMarkerCreated", key, marker)

    def current(self, key: str) -> Version | None:
        """The newest version, a marker included."""
        with self._lock:
            return next(iter(self._versions.get(key, ())), None)

    def versions(self, key: str) -> list[Version]:
        """Newest first."""
        with self._lock:
            return list(self._versions.get(key, ()))

    def objects(self) -> dict[str, bytes]:
        """What stands in the bucket now, in S3's order of keys."""
        return {key: version.body for key, version in self.current_versions()}

    def current_versions(self) -> Iterator[tuple[str, Version]]:
        for key, versions in self.all_versions():
            if not versions[0].marker:
                yield key, versions[0]

    def all_versions(self) -> list[tuple[str, list[Version]]]:
        with self._lock:
            return [(key, list(self._versions[key])) for key in sorted(self._versions)]

    def _version(
        self, body: bytes, content_type: str, metadata: Mapping[str, str], *, marker: bool = False
    ) -> Version:
        self._count += 1
        return Version(
            id=f"v{self._count:031d}" if self.versioned else "null",
            body=body,
            etag=hashlib.md5(body, usedforsecurity=False).hexdigest(),
            content_type=content_type,
            metadata=dict(metadata),
            modified=datetime.now(UTC),
            marker=marker,
        )

    def _add(self, key: str, version: Version) -> None:
        self._versions[key] = [version, *self.versions(key)] if self.versioned else [version]

    def _keep(self, key: str, versions: list[Version]) -> None:
        if versions:
            self._versions[key] = versions
        else:
            self._versions.pop(key, None)

    def _tell(self, name: str, key: str, version: Version | None, removed: str | None = None) -> Change:
        sequencer = self.sequencers.next()
        found: dict[str, Any] = {"key": quote_plus(key, safe="/"), "sequencer": sequencer}
        if version is not None:
            found |= {"size": len(version.body), "eTag": version.etag} if not version.marker else {}
            found |= {"versionId": version.id} if self.versioned else {}
        elif removed is not None:
            found |= {"versionId": removed}
        change = Change(
            key=key, version=version, sequencer=sequencer, notification=self._notification(name, found)
        )
        self.listener(change)
        return change

    def _notification(self, name: str, found: Mapping[str, Any]) -> dict[str, Any]:
        record = {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": "us-east-1",
            "eventTime": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "eventName": name,
            "userIdentity": {"principalId": "AWS:AIDAINPONIXQXHT3IKHL2"},
            "requestParameters": {"sourceIPAddress": "127.0.0.1"},
            "responseElements": {
                "x-amz-request-id": "D82B88E5F771F645",
                "x-amz-id-2": "vlR7PnpV2Ce81l0PRw6j",
            },
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "acervo",
                "bucket": {
                    "name": self.name,
                    "ownerIdentity": {"principalId": OWNER},
                    "arn": f"arn:aws:s3:::{self.name}",
                },
                "object": dict(found),
            },
        }
        return {"Records": [record]}
