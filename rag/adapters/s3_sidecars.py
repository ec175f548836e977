"""The side-cars in a bucket, `<object key>.metadata.json`, each beside its object."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from rag.adapters import aws, sidecar
from rag.domain.buckets import MAX_OBJECT_KEY_BYTES
from rag.domain.documents import Attributes
from rag.errors import SourceObjectNotFound

# As a listing of S3 has them: Key, ETag and more.
Entry = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Described:
    """What a side-car says, and which state of it says so."""

    attributes: Attributes
    etag: str


class Sidecars:
    def __init__(self, client: Any) -> None:
        self._client = client

    def read(self, bucket: str, name: str) -> Described | None:
        """Raises InvalidSidecar."""
        if not has_room(name):
            return None
        try:
            with _errors(bucket):
                found = self._client.get_object(Bucket=bucket, Key=name + sidecar.SUFFIX)
                with closing(found["Body"]) as stream:
                    return Described(attributes=sidecar.parse(stream.read()), etag=found["ETag"])
        except SourceObjectNotFound:
            return None

    def etag(self, bucket: str, name: str) -> str:
        """Empty where there is none."""
        if not has_room(name):
            return ""
        try:
            with _errors(bucket):
                found = self._client.head_object(Bucket=bucket, Key=name + sidecar.SUFFIX)
        except SourceObjectNotFound:
            return ""
        return str(found["ETag"])

    def write(self, bucket: str, name: str, attributes: Attributes) -> str:
        """Its etag."""
        # An empty one too: it says that the headers' title and metadata no longer hold.
        content = sidecar.dump(attributes) or b"{}"
        with _errors(bucket):
            answer = self._client.put_object(
                Bucket=bucket,
                Key=name + sidecar.SUFFIX,
                Body=BytesIO(content),
                ContentType="application/json",
            )
        return str(answer["ETag"])

    def remove(self, bucket: str, name: str) -> None:
        # Looked at first: a versioned bucket would keep a delete marker, and tell of it, every time.
        if self.etag(bucket, name):
            with _errors(bucket):
                self._client.delete_object(Bucket=bucket, Key=name + sidecar.SUFFIX)


def has_room(name: str) -> bool:
    return len((name + sidecar.SUFFIX).encode()) <= MAX_OBJECT_KEY_BYTES


def beside(listed: Iterable[Entry]) -> Iterator[tuple[Entry, str]]:
    """Each object with its side-car's etag, empty where there is none; `listed` in S3's order of keys.

    Between an object and its side-car stand only keys that begin with the object's own.
    """
    waiting: dict[str, Entry] = {}
    for entry in listed:
        yield from _passed(waiting, entry["Key"])
        described = waiting.pop(entry["Key"].removesuffix(sidecar.SUFFIX), None)
        if described is not None:
            yield described, str(entry["ETag"])
        elif not entry["Key"].endswith(sidecar.SUFFIX):
            waiting[entry["Key"]] = entry
    yield from ((entry, "") for entry in waiting.values())


def _passed(waiting: dict[str, Entry], key: str) -> Iterator[tuple[Entry, str]]:
    """Those whose side-car would have stood before `key`."""
    for name in reversed(list(waiting)):
        if key.startswith(name):
            return
        yield waiting.pop(name), ""


def _errors(bucket: str) -> Any:
    return aws.translated_errors(f"The bucket {bucket}")
