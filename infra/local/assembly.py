"""The stack's cloud assembly, its template changed for this machine before the CDK command deploys it."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from aws_cdk import AssetStaging

from infra.local.differences import Surroundings, transform
from infra.settings import DeploymentSettings
from infra.stack import Bundles
from infra.synth import synthesize


def assemble(settings: DeploymentSettings, functions: Path, output: Path, surroundings: Surroundings) -> Path:
    """The assembly's folder."""
    shutil.rmtree(output, ignore_errors=True)
    # Within a process CDK takes a folder that it has seen for unchanged.
    AssetStaging.clear_asset_hash_cache()
    template = synthesize(settings, Bundles.in_directory(functions), output)
    rewrite(template, surroundings)
    return output


def rewrite(path: Path, surroundings: Surroundings) -> None:
    """The template, and its digest, by which the CDK command tells whether it was uploaded already."""
    template: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    transform(template, surroundings)
    after = json.dumps(template, indent=1)
    path.write_text(after, encoding="utf-8")
    manifests = [path.with_name("manifest.json"), *path.parent.glob("*.assets.json")]
    digest = _asset_of(path)
    for manifest in manifests:
        text = manifest.read_text(encoding="utf-8")
        manifest.write_text(
            text.replace(digest, hashlib.sha256(after.encode()).hexdigest()), encoding="utf-8"
        )


def _asset_of(template: Path) -> str:
    """The name that the assembly's manifest gives the template's file."""
    (assets,) = template.parent.glob("*.assets.json")
    files: dict[str, Any] = json.loads(assets.read_text(encoding="utf-8"))["files"]
    return next(name for name, file in files.items() if file["source"]["path"] == template.name)
