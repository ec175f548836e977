"""Uploads that go straight into a bucket, by a POST policy."""

from datetime import UTC, datetime
from typing import Any

from rag.adapters import aws
from rag.domain.uploads import UPLOAD_LIFETIME, Upload, UploadGrant
from rag.errors import InvalidKey

_FILE_NAME = "${filename}"


def signing_client() -> Any:
    # Left to itself botocore signs by version 2, which KMS and newer regions refuse, and leaves the region
    # out of the address, which then answers a POST with a redirect (botocore 1.44, 2026-11).
    return aws.client("s3", signature_version="s3v4", s3={"addressing_style": "virtual"})


def grant(client: Any, bucket: str, name: str, upload: Upload) -> UploadGrant:
    """This object key, this type and exactly this size, or S3 refuses it. Raises InvalidKey."""
    if _FILE_NAME in name:
        raise InvalidKey(f"S3 puts a file's name in place of {_FILE_NAME}.", pointer="/key")
    expires_at = datetime.now(UTC) + UPLOAD_LIFETIME
    header = {"Content-Type": upload.media_type}
    post = client.generate_presigned_post(
        Bucket=bucket,
        Key=name,
        Fields=dict(header),
        Conditions=[header, ["content-length-range", upload.size, upload.size]],
        ExpiresIn=round(UPLOAD_LIFETIME.total_seconds()),
    )
    return UploadGrant(method="POST", url=post["url"], fields=post["fields"], expires_at=expires_at)
