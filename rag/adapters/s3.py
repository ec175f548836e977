"""The source on AWS: an S3 bucket laid out `<collection>/<key…>`."""

import os
from collections.abc import Iterator
from contextlib import closing
from functools import cached_property
from io import BytesIO
from typing import Any, BinaryIO, Literal

from botocore.exceptions import ClientError

from rag.adapters import aws, s3_headers, s3_uploads, sidecar
from rag.domain.buckets import (
    MAX_OBJECT_KEY_BYTES,
    is_document,
    object_key,
    object_state,
    object_uri,
    place_of,
    split_uri,
)
from rag.domain.documents import Attributes, Place, SourceEvent, SourceKind, SourceObject
from rag.domain.keys import validate_collection_name, validate_key
from rag.domain.uploads import Upload, UploadGrant
from rag.errors import (
    DocumentRejected,
    DocumentTooLarge,
    InvalidKey,
    SettingInvalid,
    SourceObjectNotFound,
    SourceUnavailable,
    UploadNotFound,
)
from rag.telemetry import logger


class S3Source:
    """Level-triggered: an event says what stands behind a key now, whatever happened in between.

    S3 tells its order (`sequencer`) in notifications only: no event from here has one.
    Where an object has a side-car, title and metadata are the side-car's alone; the headers
    `x-amz-meta-title` and `x-amz-meta-*` count for objects without one.
    """

    def __init__(
        self,
        bucket: str,
        *,
        default_tenant: str,
        max_object_bytes: int | None = None,
        client: Any = None,
    ) -> None:
        self._bucket = bucket
        self._default_tenant = default_tenant
        self._max_object_bytes = max_object_bytes
        self._client = client or aws.client("s3")
        self._given_client = client

    def put(
        self,
        tenant: str,
        collection: str,
        key: str,
        body: BinaryIO,
        attributes: Attributes,
        *,
        kind: SourceKind = SourceKind.API,
    ) -> SourceEvent:
        name = self._writable_name(tenant, collection, key)
        size = body.seek(0, os.SEEK_END)
        body.seek(0)
        header = s3_headers.content_type(attributes.media_type)
        with self._errors():
            # The side-car first: who sees the new bytes must see their attributes too.
            if attributes.title is None and not attributes.metadata and header is not None:
                self._remove_sidecar(name)
            else:
                self._write_sidecar(name, attributes)
            answer = self._client.put_object(
                Bucket=self._bucket, Key=name, Body=body, ContentType=header or s3_headers.UNKNOWN
            )
        state = object_state(answer["ETag"], answer.get("VersionId"))
        return self._event(
            (tenant, collection, key), "upsert", kind, etag=state, size=size, attributes=attributes
        )

    def describe(self, tenant: str, collection: str, key: str, attributes: Attributes) -> SourceEvent:
        with self._errors():
            self._write_sidecar(self._writable_name(tenant, collection, key), attributes)
        return self._event((tenant, collection, key), "describe", SourceKind.API)

    def remove(self, tenant: str, collection: str, key: str) -> SourceEvent:
        name = self._name((tenant, collection, key))
        with self._errors():
            self._client.delete_object(Bucket=self._bucket, Key=name)
            self._remove_sidecar(name)
        return self._event((tenant, collection, key), "delete", SourceKind.API)

    def remove_collection(self, tenant: str, collection: str) -> None:
        prefix = self._name((tenant, collection, ""))
        with self._errors():
            for page in self._pages("list_objects_v2", Prefix=prefix):
                if names := [{"Key": found["Key"]} for found in page.get("Contents", ())]:
                    answer = self._client.delete_objects(
                        Bucket=self._bucket, Delete={"Objects": names, "Quiet": True}
                    )
                    _check_removed(answer)

    def fetch(self, uri: str) -> SourceObject:
        """The object as it is now, in whatever bucket; raises DocumentTooLarge before reading too much."""
        bucket, name = _located(uri)
        with self._errors(bucket):
            try:
                found = self._client.get_object(Bucket=bucket, Key=name)
            except ClientError as error:
                if aws.code_of(error) != "InvalidObjectState":
                    raise
                raise DocumentRejected(
                    "The object is archived. Restore it, then put the document in the queue again."
                ) from error
            with closing(found["Body"]) as stream:
                self._check_size(found["ContentLength"])
                body = stream.read()
            return SourceObject(body=body, attributes=self._attributes(bucket, name, found))

    def scan(self) -> Iterator[SourceEvent]:
        with self._errors():
            # Versions, since plain listings do not say which version an etag belongs to.
            for page in self._pages("list_object_versions"):
                for found in page.get("Versions", ()):
                    event = self._scanned(found) if found["IsLatest"] else None
                    if event:
                        yield event

    def observe(self, tenant: str, collection: str, key: str) -> SourceEvent:
        place = (tenant, collection, key)
        with self._errors():
            try:
                found = self._client.head_object(Bucket=self._bucket, Key=self._name(place))
            except ClientError as error:
                if aws.code_of(error) != "404":
                    raise
                self._check_bucket()
                return self._event(place, "delete", SourceKind.S3)
        state = object_state(found["ETag"], found.get("VersionId"))
        return self._event(place, "upsert", SourceKind.S3, etag=state, size=found["ContentLength"])

    def grant_upload(self, upload: Upload) -> UploadGrant:
        name = self._writable_name(upload.tenant, upload.collection, upload.key)
        with self._errors():
            return s3_uploads.grant(self._signing_client, self._bucket, name, upload)

    def granted_upload(self, token: str) -> Upload:
        del token
        raise UploadNotFound("Uploads go to the bucket, not to this server.")

    @cached_property
    def _signing_client(self) -> Any:
        return self._given_client or s3_uploads.signing_client()

    def _errors(self, bucket: str | None = None) -> Any:
        return aws.translated_errors(f"The bucket {bucket or self._bucket}")

    def _pages(self, operation: str, **parameters: Any) -> Any:
        return self._client.get_paginator(operation).paginate(Bucket=self._bucket, **parameters)

    def _name(self, place: Place) -> str:
        return object_key(place, default_tenant=self._default_tenant)

    def _writable_name(self, tenant: str, collection: str, key: str) -> str:
        validate_collection_name(collection)
        validate_key(key)
        name = self._name((tenant, collection, key))
        if not _has_room_for_sidecar(name):
            raise InvalidKey("The key is too long for the bucket beside its collection.", pointer="/key")
        return name

    def _event(
        self,
        place: Place,
        operation: Literal["upsert", "delete", "describe"],
        kind: SourceKind,
        *,
        etag: str = "",
        size: int = 0,
        attributes: Attributes | None = None,
    ) -> SourceEvent:
        tenant, collection, key = place
        return SourceEvent(
            tenant=tenant,
            collection=collection,
            key=key,
            operation=operation,
            kind=kind,
            uri=object_uri(self._bucket, self._name(place)),
            etag=etag,
            size=size,
            attributes=attributes or Attributes(),
        )

    def _scanned(self, found: dict[str, Any]) -> SourceEvent | None:
        if not is_document(found["Key"]):
            return None
        try:
            place = place_of(found["Key"], default_tenant=self._default_tenant)
        except InvalidKey as error:
            logger.warning("s3://%s/%s is not ingested: %s", self._bucket, found["Key"], error)
            return None
        state = object_state(found["ETag"], found.get("VersionId"))
        return self._event(place, "upsert", SourceKind.S3, etag=state, size=found["Size"])

    def _check_bucket(self) -> None:
        """A missing bucket answers for every object that it does not exist."""
        try:
            self._client.head_bucket(Bucket=self._bucket)
        except ClientError as error:
            if aws.code_of(error) == "404":
                raise SettingInvalid(f"The bucket {self._bucket} does not exist. Check its name.") from error
            raise

    def _check_size(self, size: int) -> None:
        if self._max_object_bytes is not None and size > self._max_object_bytes:
            raise DocumentTooLarge(
                f"The document has {size:,} bytes; the limit is {self._max_object_bytes:,}"
                " (ACERVO_MAX_DOCUMENT_BYTES)."
            )

    def _attributes(self, bucket: str, name: str, found: dict[str, Any]) -> Attributes:
        own = s3_headers.attributes(found)
        beside = self._read_sidecar(bucket, name)
        if beside is None:
            return own
        return Attributes(
            title=beside.title, media_type=beside.media_type or own.media_type, metadata=beside.metadata
        )

    def _read_sidecar(self, bucket: str, name: str) -> Attributes | None:
        if not _has_room_for_sidecar(name):
            return None
        try:
            with aws.translated_errors(f"The bucket {bucket}"):
                found = self._client.get_object(Bucket=bucket, Key=name + sidecar.SUFFIX)
                with closing(found["Body"]) as stream:
                    return sidecar.parse(stream.read())
        except SourceObjectNotFound:
            return None

    def _write_sidecar(self, name: str, attributes: Attributes) -> None:
        # An empty one too: it says that the headers' title and metadata no longer hold.
        content = sidecar.dump(attributes) or b"{}"
        self._client.put_object(
            Bucket=self._bucket,
            Key=name + sidecar.SUFFIX,
            Body=BytesIO(content),
            ContentType="application/json",
        )

    def _remove_sidecar(self, name: str) -> None:
        if not _has_room_for_sidecar(name):
            return
        beside = name + sidecar.SUFFIX
        try:
            # Looked at first: a versioned bucket would keep a delete marker, and tell of it, every time.
            with self._errors():
                self._client.head_object(Bucket=self._bucket, Key=beside)
        except SourceObjectNotFound:
            return
        self._client.delete_object(Bucket=self._bucket, Key=beside)


def _located(uri: str) -> tuple[str, str]:
    try:
        return split_uri(uri)
    except InvalidKey as error:
        raise SourceObjectNotFound(f"The document has no object in a bucket. {error}") from error


def _has_room_for_sidecar(name: str) -> bool:
    return len((name + sidecar.SUFFIX).encode()) <= MAX_OBJECT_KEY_BYTES


def _check_removed(answer: dict[str, Any]) -> None:
    """S3 reports objects that it did not remove in an answer that is a success."""
    if errors := answer.get("Errors"):
        first = errors[0]
        problem = f"{len(errors)} objects were not removed: {first.get('Code')} ({first.get('Key')})."
        raise (SettingInvalid if first.get("Code") == "AccessDenied" else SourceUnavailable)(problem)
