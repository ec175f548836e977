"""As much of a boto3 client of S3 as the source uses, over a bucket in memory: four times as fast."""

from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Any, BinaryIO

from botocore.exceptions import ClientError

from tests.doubles.bucket import Bucket, Version


class BucketClient:
    """`before` and `after` are called around every call."""

    def __init__(
        self, buckets: Mapping[str, Bucket], *, before: Callable[[], None], after: Callable[[], None]
    ) -> None:
        self._buckets = buckets
        self._before = before
        self._after = after

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        return self._called(lambda: self._object(Bucket, Key, "NoSuchKey"))

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        return self._called(lambda: self._object(Bucket, Key, "404"))

    def head_bucket(self, *, Bucket: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        return self._called(lambda: {"BucketRegion": "us-east-1", "Name": self._buckets[Bucket].name})

    def put_object(self, *, Bucket: str, Key: str, Body: BinaryIO, ContentType: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        def put() -> dict[str, Any]:
            change = self._buckets[Bucket].put(Key, Body.read(), content_type=ContentType)
            return _names(change.version) if change.version else {}

        return self._called(put)

    def delete_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        def delete() -> dict[str, Any]:
            self._buckets[Bucket].delete(Key)
            return {}

        return self._called(delete)

    def get_paginator(self, operation: str) -> "_Prefixes":
        if operation != "list_objects_v2":
            raise NotImplementedError(operation)
        return _Prefixes(self._buckets, self._called)

    def _called(self, answer: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        self._before()
        answered = answer()
        self._after()
        return answered

    def _object(self, bucket: str, key: str, code: str) -> dict[str, Any]:
        version = self._buckets[bucket].current(key)
        if version is None or version.marker:
            self._after()
            raise ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": 404}}, "Get")
        return {
            **_names(version),
            "Body": BytesIO(version.body),
            "ContentLength": len(version.body),
            "ContentType": version.content_type,
            "Metadata": dict(version.metadata),
        }


class _Prefixes:
    """Of the objects that the source lists only to learn which tenants there are."""

    def __init__(
        self,
        buckets: Mapping[str, Bucket],
        called: Callable[[Callable[[], dict[str, Any]]], dict[str, Any]],
    ) -> None:
        self._buckets = buckets
        self._called = called

    def paginate(self, *, Bucket: str, Prefix: str, Delimiter: str) -> Iterator[dict[str, Any]]:  # noqa: N803 - boto3's names
        names = [name for name, _ in self._buckets[Bucket].current_versions() if name.startswith(Prefix)]
        found = sorted({name[: name.index(Delimiter, len(Prefix)) + 1] for name in names})
        yield self._called(lambda: {"CommonPrefixes": [{"Prefix": prefix} for prefix in found]})


def _names(version: Version) -> dict[str, Any]:
    identity = {} if version.id == "null" else {"VersionId": version.id}
    return {"ETag": f'"{version.etag}"', **identity}
