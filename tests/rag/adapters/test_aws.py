"""Clients as a deployment builds them: from the environment."""

from contextlib import closing
from pathlib import Path

import pytest

from rag.adapters import aws
from rag.adapters.s3 import S3Source
from rag.errors import SettingInvalid
from tests.doubles.s3_server import BUCKET, s3_server


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of this machine's own configuration, and no question to a metadata service."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def test_the_environment_names_endpoint_region_and_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    with s3_server() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint_url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        server.bucket.put("hr/a.txt", b"x")
        with closing(aws.client("s3")) as client:
            source = S3Source(BUCKET, default_tenant="default", client=client)
            assert [event.key for event in source.scan()] == ["a.txt"]


def test_without_a_region() -> None:
    with pytest.raises(SettingInvalid, match="region"):
        aws.client("sqs")


def test_without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    with s3_server() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint_url)
        with closing(aws.client("s3")) as client:
            source = S3Source(BUCKET, default_tenant="default", client=client)
            with pytest.raises(SettingInvalid, match="credentials"):
                list(source.scan())
