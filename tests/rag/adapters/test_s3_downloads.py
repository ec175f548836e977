"""What a deployment's own client signs, without a network."""

from contextlib import closing
from urllib.parse import parse_qs, urlsplit

import pytest

from rag.adapters.s3_downloads import address
from rag.adapters.s3_uploads import signing_client


def test_addresses_are_those_of_the_bucket_s_region_signed_by_version_4(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    disposition = "attachment; filename=\"a.pdf\"; filename*=UTF-8''a.pdf"
    with closing(signing_client()) as client:
        url = address(
            client,
            "acme-documents",
            "@acme/hr/a b.pdf",
            content_type="application/pdf",
            disposition=disposition,
        )
    found = urlsplit(url)
    assert (found.scheme, found.netloc) == ("https", "acme-documents.s3.eu-west-1.amazonaws.com")
    assert found.path == "/%40acme/hr/a%20b.pdf"
    query = {name: values[0] for name, values in parse_qs(found.query).items()}
    assert query["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert query["X-Amz-Expires"] == "300"
    assert query["X-Amz-Security-Token"] == "test"
    assert query["response-content-disposition"] == disposition
    assert query["response-content-type"] == "application/pdf"
    assert query["response-cache-control"] == "private, no-store"
