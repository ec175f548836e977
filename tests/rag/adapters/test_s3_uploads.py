"""What a deployment's own client signs, without a network."""

from contextlib import closing

import pytest

from rag.adapters.s3_uploads import grant, signing_client
from rag.domain.uploads import Upload
from rag.errors import InvalidKey

UPLOAD = Upload(tenant="acme", collection="hr", key="a.pdf", media_type="application/pdf", size=7)


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


def test_forms_go_to_the_bucket_of_its_region_signed_by_version_4() -> None:
    with closing(signing_client()) as client:
        granted = grant(client, "acme-documents", "@acme/hr/a.pdf", UPLOAD)
    assert granted.url == "https://acme-documents.s3.eu-west-1.amazonaws.com/"
    assert granted.fields["x-amz-algorithm"] == "AWS4-HMAC-SHA256"
    assert (granted.fields["key"], granted.fields["Content-Type"]) == ("@acme/hr/a.pdf", "application/pdf")


def test_a_place_that_s3_would_fill_is_no_key() -> None:
    with closing(signing_client()) as client, pytest.raises(InvalidKey):
        grant(client, "acme-documents", "hr/${filename}", UPLOAD)
