"""Tokens for RDS, as boto3 itself signs them."""

from urllib.parse import parse_qs, urlsplit

import pytest
from boto3.session import Session

from rag.adapters.rds import RdsTokens
from rag.errors import SettingInvalid

LOGIN = {"host": "db.abc123.eu-west-1.rds.amazonaws.com", "port": 5432, "user": "acervo_service"}


@pytest.fixture
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "a/session+token",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("_credentials")
def test_a_token_is_the_one_that_boto3_signs() -> None:
    tokens = RdsTokens()
    client = Session().client("rds")  # boto3.client would keep an earlier test's credentials
    while True:
        before, token, after = (
            client.generate_db_auth_token(DBHostname=LOGIN["host"], Port=5432, DBUsername=LOGIN["user"]),
            tokens.sign(host="db.abc123.eu-west-1.rds.amazonaws.com", port=5432, user="acervo_service"),
            client.generate_db_auth_token(DBHostname=LOGIN["host"], Port=5432, DBUsername=LOGIN["user"]),
        )
        if before == after:  # in the same second
            break
    assert token == before


@pytest.mark.usefixtures("_credentials")
def test_a_token_names_the_login_and_holds_for_fifteen_minutes() -> None:
    token = RdsTokens().sign(host="db.example", port=6543, user="acervo owner")
    address = urlsplit(f"//{token}")
    assert (address.netloc, address.path) == ("db.example:6543", "/")
    fields = parse_qs(address.query, strict_parsing=True)
    assert fields["Action"] == ["connect"]
    assert fields["DBUser"] == ["acervo owner"]
    assert fields["X-Amz-Expires"] == ["900"]
    assert fields["X-Amz-Security-Token"] == ["a/session+token"]
    assert fields["X-Amz-Credential"][0].endswith("/eu-west-1/rds-db/aws4_request")


@pytest.fixture
def _nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")


@pytest.mark.usefixtures("_nowhere")
def test_what_is_missing_is_said_before_anybody_connects() -> None:
    with pytest.raises(SettingInvalid, match="credentials and a region"):
        RdsTokens()
