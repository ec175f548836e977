"""`cdk synth` and `cdk deploy`: settings from the context, one stack, checked by cdk-nag."""

import sys
from pathlib import Path
from typing import Any

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra.errors import DeploymentSettingsInvalid
from infra.settings import DeploymentSettings, parse_settings, read_settings
from infra.stack import AcervoStack, Bundles


def build(app: App, *, settings: DeploymentSettings, bundles: Bundles) -> AcervoStack:
    stack = AcervoStack(app, settings=settings, bundles=bundles)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return stack


def settings_of(context: Any) -> DeploymentSettings:
    """`context` is a file's path, or the settings themselves, or None for the reference profile.

    Raises DeploymentSettingsInvalid.
    """
    if isinstance(context, str):
        return read_settings(Path(context))
    return parse_settings(context or {}, origin="the context (settings)")


def bundles_of(context: Any) -> Bundles:
    """`context` is `placeholder` or the directory of the bundles. Raises DeploymentSettingsInvalid."""
    if context == "placeholder":
        return Bundles.placeholder()
    return Bundles.in_directory(Path(str(context or "build")))


def main() -> None:
    app = App()
    try:
        settings = settings_of(app.node.try_get_context("settings"))
        build(app, settings=settings, bundles=bundles_of(app.node.try_get_context("bundles")))
    except DeploymentSettingsInvalid as error:
        sys.exit(f"acervo: {error}")
    app.synth()


if __name__ == "__main__":
    main()
