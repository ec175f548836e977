"""`python -m infra.deploy [settings.yaml]`: the bundles, then `cdk deploy` into the credentials' account."""

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.app import settings_of
from infra.bundles.functions import REPOSITORY
from infra.cdk_command import install_cdk, run_cdk
from infra.errors import DeploymentImpossible, DeploymentSettingsInvalid

_BOOTSTRAPPED: Final = "/cdk-bootstrap/hnb659fds/version"
_OUTPUTS: Final = REPOSITORY / "build" / "outputs.json"
_CREATE_KEY: Final = (
    '{"create_key": {"tenant": "default", "name": "first", "scopes": ["read", "write", "admin"]}}'
)


def main() -> None:
    chosen = _arguments()
    try:
        settings = settings_of(chosen.settings)
        command = install_cdk()
        account = check_account(settings.region, bootstrap=str(command))
        sys.stdout.write(f"Deploying {settings.name} into account {account}, {settings.region}.\n")
        build_bundles()
        run_cdk(cdk_arguments(settings.name, chosen.settings))
    except (DeploymentImpossible, DeploymentSettingsInvalid) as error:
        sys.exit(f"acervo: {error}")
    outputs = json.loads(_OUTPUTS.read_text(encoding="utf-8"))[settings.name]
    sys.stdout.write(first_commands(settings.name, settings.region, outputs))


def check_account(region: str, *, bootstrap: str) -> str:
    """The account's number, before minutes are spent on it. Raises DeploymentImpossible.

    `bootstrap` is CDK's command, for the sentence that tells how to prepare the account.
    """
    try:
        session = boto3.Session(region_name=region)
        account = str(session.client("sts").get_caller_identity()["Account"])
    except (BotoCoreError, ClientError) as error:
        raise DeploymentImpossible(
            f"AWS does not accept these credentials, or there are none ({error})."
            " Try `aws sts get-caller-identity`; `aws configure` or AWS_PROFILE chooses others."
        ) from error
    try:
        session.client("ssm").get_parameter(Name=_BOOTSTRAPPED)
    except (BotoCoreError, ClientError) as error:
        raise DeploymentImpossible(
            f"{_BOOTSTRAPPED} cannot be read ({error}). If account and region were never prepared for CDK:"
            f" {bootstrap} bootstrap aws://{account}/{region}"
        ) from error
    return account


def build_bundles() -> None:
    """Raises DeploymentImpossible; the command itself has said why."""
    done = subprocess.run([sys.executable, "-m", "infra.bundle"], cwd=REPOSITORY, check=False)
    if done.returncode:
        raise DeploymentImpossible("The functions' bundles could not be made; see above.")


def cdk_arguments(name: str, settings: str | None) -> list[str]:
    application = shlex.join([sys.executable, "-m", "infra.app"])
    chosen = ["--context", f"settings={Path(settings).resolve()}"] if settings else []
    return ["deploy", name, "--app", application, "--outputs-file", str(_OUTPUTS), *chosen]


def first_commands(name: str, region: str, outputs: Mapping[str, Any]) -> str:
    """The stack's outputs, and what to type next."""
    listed = "".join(f"  {key:<24}{value}\n" for key, value in outputs.items())
    invoke = (
        f"aws lambda invoke --region {region} --function-name {name}-migration"
        f" --cli-binary-format raw-in-base64-out --payload '{_CREATE_KEY}' /dev/stdout"
    )
    return (
        f"\n{listed}\nFirst an API key, which is shown once; then a document and a question about it:\n"
        f"  {invoke}\n  export ACERVO_API_KEY=…\n"
        f"  {outputs['FirstDocument']}\n  {outputs['FirstQuestion']}\n"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.deploy", description=__doc__)
    parser.add_argument("settings", nargs="?", help="the deployment's settings (YAML)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
