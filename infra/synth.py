"""`python -m infra.synth [settings.yaml]`: the template without the CDK command, credentials or network."""

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from aws_cdk import App

from infra.app import build, bundles_of, settings_of
from infra.errors import DeploymentSettingsInvalid
from infra.settings import DeploymentSettings
from infra.stack import Bundles

_CDK_JSON: Final = Path(__file__).parents[1] / "cdk.json"


def synthesize(settings: DeploymentSettings, bundles: Bundles, output: Path) -> Path:
    """The template's file. Raises RuntimeError, as jsii does, with the findings of cdk-nag."""
    app = App(outdir=str(output), context=_context())
    stack = build(app, settings=settings, bundles=bundles)
    app.synth()
    return output / stack.template_file


def _context() -> dict[str, Any]:
    """CDK's feature flags, which the command would read from the same file."""
    found: dict[str, Any] = json.loads(_CDK_JSON.read_text(encoding="utf-8"))["context"]
    return found


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m infra.synth", description=__doc__)
    parser.add_argument("settings", nargs="?", help="the deployment's settings (YAML)")
    parser.add_argument("--bundles", default="build", help="their directory, or placeholder")
    parser.add_argument("--output", type=Path, default=Path("cdk.out"))
    chosen = parser.parse_args(None if arguments is None else list(arguments))
    try:
        template = synthesize(settings_of(chosen.settings), bundles_of(chosen.bundles), chosen.output)
    except DeploymentSettingsInvalid as error:
        sys.exit(f"acervo: {error}")
    sys.stdout.write(f"{template}\n")


if __name__ == "__main__":
    main()
