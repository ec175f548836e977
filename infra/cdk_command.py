"""The CDK command in the version that its lock names, installed into build/cdk."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from infra.bundles.functions import REPOSITORY
from infra.errors import DeploymentImpossible

_LOCKED: Final = REPOSITORY / "infra" / "cdk"
_INSTALLED: Final = REPOSITORY / "build" / "cdk"


def install_cdk(target: Path = _INSTALLED) -> Path:
    """The command. Raises DeploymentImpossible without Node.js, npm or its registry."""
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            raise DeploymentImpossible(f"{tool} is not installed: the CDK command needs Node.js 22 or newer.")
    command = target / "node_modules" / ".bin" / "cdk"
    lock, installed = _LOCKED / "package-lock.json", target / "package-lock.json"
    if not (command.exists() and installed.exists() and installed.read_bytes() == lock.read_bytes()):
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(_LOCKED / "package.json", target)
        shutil.copy(lock, target)
        _npm_install(target)
    return command


def run_cdk(arguments: Sequence[str]) -> None:
    """On the terminal, with this process's environment. Raises DeploymentImpossible where it fails."""
    command = [str(install_cdk()), "--no-notices", *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, check=False)  # noqa: S603 - no shell
    if done.returncode:
        raise DeploymentImpossible(f"cdk {arguments[0]} failed with code {done.returncode}; see above.")


def run_cdk_into(log: Path, arguments: Sequence[str], *, environment: Mapping[str, str]) -> None:
    """Its output at the end of `log`. Raises DeploymentImpossible where it fails."""
    command = [str(install_cdk()), "--no-notices", *arguments]
    with log.open("ab") as output:
        done = subprocess.run(  # noqa: S603 - no shell
            command, cwd=REPOSITORY, env=dict(environment), stdout=output, stderr=output, check=False
        )
    if done.returncode:
        raise DeploymentImpossible(f"cdk {arguments[0]} failed with code {done.returncode}; {log} says why.")


def _npm_install(folder: Path) -> None:
    command = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel", "error"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - no shell
    if done.returncode:
        raise DeploymentImpossible(f"npm could not install the CDK command: {done.stderr.strip()[-1000:]}")
