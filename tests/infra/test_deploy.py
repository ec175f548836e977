"""`make deploy`: what it refuses before anything is made, and what it tells in the end."""

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from infra.cdk_command import install_cdk
from infra.errors import DeploymentImpossible
from tests.doubles.aws_server import AwsServer, aws_server

pytest.importorskip("aws_cdk", reason="needs the dependency group infra")
from infra.deploy import cdk_arguments, check_account, first_commands

REPOSITORY = Path(__file__).parents[2]
REGION = "eu-west-1"


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsServer]:
    with aws_server() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint_url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        yield server


def test_without_credentials_it_says_how_to_get_some(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(DeploymentImpossible, match="aws configure"):
        check_account(REGION, bootstrap="cdk")


@pytest.mark.usefixtures("account")
def test_an_account_that_was_not_prepared_is_told_how() -> None:
    with pytest.raises(DeploymentImpossible, match=rf"cdk bootstrap aws://\d{{12}}/{REGION}"):
        check_account(REGION, bootstrap="cdk")


def test_a_prepared_account_is_named(account: AwsServer) -> None:
    ssm = boto3.client("ssm", region_name="sa-east-1", endpoint_url=account.endpoint_url)
    ssm.put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String")
    assert check_account("sa-east-1", bootstrap="cdk") == "123456789012"


def test_without_node_the_command_is_not_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeploymentImpossible, match=r"node is not installed.*Node\.js 22"):
        install_cdk(tmp_path)


def test_the_lock_holds_the_command_alone_and_no_addresses() -> None:
    lock = json.loads((REPOSITORY / "infra" / "cdk" / "package-lock.json").read_text(encoding="utf-8"))
    asked = json.loads((REPOSITORY / "infra" / "cdk" / "package.json").read_text(encoding="utf-8"))
    command = lock["packages"].pop("node_modules/aws-cdk")
    assert command["version"] == asked["dependencies"]["aws-cdk"]
    assert command["integrity"].startswith("sha512-")
    assert "resolved" not in command
    assert list(lock["packages"]) == [""]


def test_settings_are_found_from_wherever_cdk_runs() -> None:
    chosen = cdk_arguments("library", "production.yaml")
    assert chosen[:2] == ["deploy", "library"]
    assert f"settings={Path('production.yaml').resolve()}" in chosen
    assert "--context" not in cdk_arguments("library", None)


def test_the_first_commands_name_what_was_deployed() -> None:
    outputs = {"FirstDocument": "aws s3 cp …", "FirstQuestion": "acervo ask …", "Url": "https://api"}
    told = first_commands("library", REGION, outputs)
    assert "--function-name library-migration" in told
    assert all(value in told for value in outputs.values())
    payload = told.partition("--payload '")[2].partition("'")[0]
    assert json.loads(payload)["create_key"]["scopes"] == ["read", "write", "admin"]
