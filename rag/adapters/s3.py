"""The source on AWS: an S3 bucket laid out `<collection>/<key…>`."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from functools import cached_property
from io import BytesIO
from typing import Any, BinaryIO, Literal

from botocore.exceptions import ClientError

from rag.adapters import aws, s3_downloads, s3_headers, s3_uploads
from rag.adapters.s3_sidecars import Sidecars, beside, has_room
from rag.domain.buckets import (
    described_state,
    is_document,
    object_key,
    object_state,
    object_uri,
    place_of,
    split_uri,
    work_request,
)
from rag.domain.documents import (
    Attributes,
    Place,
    SourceDescription,
    SourceEvent,
    SourceKind,
    SourceObject,
)
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

_COPIED_BYTES = 1_000_000


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
        self._sidecars = Sidecars(self._client)
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
            sidecar = self._describe(name, attributes, said_by_header=header is not None)
            answer = self._client.put_object(
                Bucket=self._bucket, Key=name, Body=body, ContentType=header or s3_headers.UNKNOWN
            )
        state = described_state(object_state(answer["ETag"], answer.get("VersionId")), sidecar)
        return self._event(
            (tenant, collection, key), "upsert", kind, etag=state, size=size, attributes=attributes
        )

    def describe(self, tenant: str, collection: str, key: str, attributes: Attributes) -> SourceEvent:
        name = self._writable_name(tenant, collection, key)
        self._sidecars.write(self._bucket, name, attributes)
        return self._event((tenant, collection, key), "describe", SourceKind.API)

    def remove(self, tenant: str, collection: str, key: str) -> SourceEvent:
        name = self._name((tenant, collection, key))
        with self._errors():
            self._client.delete_object(Bucket=self._bucket, Key=name)
        self._sidecars.remove(self._bucket, name)
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
        file = BytesIO()
        found = self.download(uri, file)
        return SourceObject(body=file.getvalue(), attributes=found.attributes, etag=found.etag)

    def download(self, uri: str, file: BinaryIO) -> SourceDescription:
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
                shutil.copyfileobj(stream, file, _COPIED_BYTES)
            return self._described(bucket, name, found)

    def scan(self) -> Iterator[SourceEvent]:
        with self._errors():
            for found, sidecar in beside(self._current_versions()):
                event = self._scanned(found, sidecar)
                if event:
                    yield event

    def passes_over(self, tenant: str, collection: str, key: str) -> bool:  # noqa: ARG002 - it lists all
        return False

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
        sidecar = self._sidecars.etag(self._bucket, self._name(place))
        state = described_state(object_state(found["ETag"], found.get("VersionId")), sidecar)
        return self._event(place, "upsert", SourceKind.S3, etag=state, size=found["ContentLength"])

    def grant_upload(self, upload: Upload) -> UploadGrant:
        name = self._writable_name(upload.tenant, upload.collection, upload.key)
        with self._errors():
            return s3_uploads.grant(self._signing_client, self._bucket, name, upload)

    def granted_upload(self, token: str) -> Upload:
        del token
        raise UploadNotFound("Uploads go to the bucket, not to this server.")

    def redeem_upload(self, token: str) -> None:
        self.granted_upload(token)

    def grant_download(self, uri: str, *, content_type: str, disposition: str) -> str:
        bucket, name = _located(uri)
        with self._errors(bucket):
            # A presigned address is made for anything; S3 would tell of a missing object in its own words.
            self._client.head_object(Bucket=bucket, Key=name)
            return s3_downloads.address(
                self._signing_client, bucket, name, content_type=content_type, disposition=disposition
            )

    def request_work(self, tenant: str) -> None:
        """The bucket's own notification of this object goes the way of every other (decision 0017)."""
        with self._errors():
            self._client.put_object(
                Bucket=self._bucket, Key=work_request(tenant), Body=BytesIO(), ContentType=s3_headers.UNKNOWN
            )

    @cached_property
    def _signing_client(self) -> Any:
        return self._given_client or s3_uploads.signing_client()

    def _errors(self, bucket: str | None = None) -> Any:
        return aws.translated_errors(f"The bucket {bucket or self._bucket}")

    def _describe(self, name: str, attributes: Attributes, *, said_by_header: bool) -> str:
        """The side-car's etag, empty where there is none."""
        if attributes.title is None and not attributes.metadata and said_by_header:
            self._sidecars.remove(self._bucket, name)
            return ""
        return self._sidecars.write(self._bucket, name, attributes)

    def _current_versions(self) -> Iterator[dict[str, Any]]:
        # Versions, since plain listings do not say which version an etag belongs to.
        for page in self._pages("list_object_versions"):
            yield from (found for found in page.get("Versions", ()) if found["IsLatest"])

    def _pages(self, operation: str, **parameters: Any) -> Any:
        return self._client.get_paginator(operation).paginate(Bucket=self._bucket, **parameters)

    def _name(self, place: Place) -> str:
        return object_key(place, default_tenant=self._default_tenant)

    def _writable_name(self, tenant: str, collection: str, key: str) -> str:
        validate_collection_name(collection)
        validate_key(key)
        name = self._name((tenant, collection, key))
        if not has_room(name):
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

    def _scanned(self, found: Mapping[str, Any], sidecar: str) -> SourceEvent | None:
        if not is_document(found["Key"]):
            return None
        try:
            place = place_of(found["Key"], default_tenant=self._default_tenant)
        except InvalidKey as error:
            logger.warning("s3://%s/%s is not ingested: %s", self._bucket, found["Key"], error)
            return None
        state = described_state(object_state(found["ETag"], found.get("VersionId")), sidecar)
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
                " (ACERVO_MAX_STREAMED_BYTES)."
            )

    def _described(self, bucket: str, name: str, found: dict[str, Any]) -> SourceDescription:
        attributes = s3_headers.attributes(found)
        sidecar = self._sidecars.read(bucket, name)
        if sidecar:
            said = sidecar.attributes
            attributes = replace(said, media_type=said.media_type or attributes.media_type)
        state = object_state(found["ETag"], found.get("VersionId"))
        return SourceDescription(
            attributes=attributes,
            etag=described_state(state, sidecar.etag if sidecar else ""),
        )


def _located(uri: str) -> tuple[str, str]:
    try:
        return split_uri(uri)
    except InvalidKey as error:
        raise SourceObjectNotFound(f"The document has no object in a bucket. {error}") from error


def _check_removed(answer: dict[str, Any]) -> None:
    """S3 reports objects that it did not remove in an answer that is a success."""
    if errors := answer.get("Errors"):
        first = errors[0]
        problem = f"{len(errors)} objects were not removed: {first.get('Code')} ({first.get('Key')})."
        raise (SettingInvalid if first.get("Code") == "AccessDenied" else SourceUnavailable)(problem)
