"""S3's side of a presigned GET: its time, then the signature over method, path, query and host.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import reduce
from urllib.parse import quote

from tests.doubles.s3_post import SECRET, Refused

_ANSWERED = {
    "response-content-type": "Content-Type",
    "response-content-disposition": "Content-Disposition",
    "response-cache-control": "Cache-Control",
}


def is_presigned(query: Mapping[str, str]) -> bool:
    return "X-Amz-Signature" in query


def check(method: str, path: str, query: Mapping[str, str], host: str) -> None:
    """`path` as it was sent. Raises Refused."""
    began = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if datetime.now(UTC) > began + timedelta(seconds=int(query["X-Amz-Expires"])):
        raise Refused(status=403, code="AccessDenied")
    if query["X-Amz-SignedHeaders"] != "host":
        raise Refused(status=403, code="AccessDenied")
    scope = query["X-Amz-Credential"].partition("/")[2]
    canonical = "\n".join([method, path, _canonical(query), f"host:{host}", "", "host", "UNSIGNED-PAYLOAD"])
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    said = "\n".join(["AWS4-HMAC-SHA256", query["X-Amz-Date"], scope, digest])
    key = reduce(_digest, scope.split("/"), f"AWS4{SECRET}".encode())
    if not hmac.compare_digest(_digest(key, said).hex(), query["X-Amz-Signature"]):
        raise Refused(status=403, code="SignatureDoesNotMatch")


def answered_headers(query: Mapping[str, str]) -> dict[str, str]:
    """Those that the query asks for; S3 takes them from signed requests only."""
    return {header: query[name] for name, header in _ANSWERED.items() if name in query}


def _canonical(query: Mapping[str, str]) -> str:
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query.items())
    return "&".join(f"{name}={value}" for name, value in pairs if name != "X-Amz-Signature")


def _digest(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
