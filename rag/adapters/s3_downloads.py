"""Downloads that come straight from a bucket, by presigned addresses."""

from typing import Any

from rag.domain.uploads import DOWNLOAD_LIFETIME


def address(client: Any, bucket: str, name: str, *, content_type: str, disposition: str) -> str:
    """Signed for this object under these headers; `client` signs by version 4 (s3_uploads)."""
    return str(
        client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": bucket,
                "Key": name,
                "ResponseContentType": content_type,
                "ResponseContentDisposition": disposition,
                "ResponseCacheControl": "private, no-store",
            },
            ExpiresIn=round(DOWNLOAD_LIFETIME.total_seconds()),
        )
    )
