"""`python -m tests.deploy`: deploys the stack on this machine, uses it from end to end, updates it."""

import argparse
import secrets
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from botocore.exceptions import ClientError

from infra.bundles.errors import BundleError
from infra.bundles.functions import FUNCTIONS, REPOSITORY
from infra.errors import DeploymentImpossible
from infra.local.assembly import assemble
from infra.local.differences import DIFFERENCES, UNTRIED, Surroundings
from infra.local.functions import prepare_functions, replace_text
from infra.settings import DeploymentSettings, parse_settings
from tests.deploy.bedrock import Bedrock
from tests.deploy.deployment import Client, Deployment, ScenarioFailed, Service
from tests.deploy.machine import database, emulator
from tests.deploy.progress import Progress
from tests.deploy.story import Story

_TWINS: Final = REPOSITORY / "build" / "x86_64"
_HOME: Final = REPOSITORY / "build" / "local"
# Fewer attempts than by default, so that the dead-letter queue is reached within two minutes.
_SETTINGS: Final = {"ingestion": {"max_attempts": 3, "timeout_seconds": 60}}
_CHUNKING: Final = Path("rag/domain/documents.py")
_FAILURES: Final = (ScenarioFailed, DeploymentImpossible, BundleError, httpx.HTTPError, ClientError)


@dataclass(frozen=True, kw_only=True)
class Release:
    """Deploys the stack, its functions' code as `change` leaves it."""

    deployment: Deployment
    surroundings: Surroundings
    settings: DeploymentSettings
    progress: Progress
    runtime: Path

    def deploy(self, *, change: Callable[[Path], None] = lambda _: None) -> Service:
        folder = self.deployment.folder
        with self.progress.step("the stack's template and functions, changed for this machine"):
            functions = prepare_functions(_TWINS, self.runtime, folder / "functions", change=change)
            assembly = assemble(self.settings, functions, folder / "cdk.out", self.surroundings)
        with self.progress.step("cdk bootstrap"):
            self.deployment.bootstrap(assembly)
        with self.progress.step("cdk deploy"):
            return self.deployment.deploy(assembly)


def main() -> None:
    arguments = _arguments()
    progress = Progress()
    _say_differences(progress)
    shutil.rmtree(_HOME, ignore_errors=True)
    _HOME.mkdir(parents=True)
    with ExitStack() as running:
        release, bedrock = _start(running, progress)
        try:
            client = _deploy_and_use(release, bedrock)
        except _FAILURES as error:
            _say_failure(progress, release.deployment, error)
            sys.exit(1)
        progress.say("everything passed")
        if arguments.keep:
            _keep(client, progress)


def with_other_chunking(folder: Path) -> None:
    """What the next release changes, in a function that chunks or makes collections."""
    if (folder / _CHUNKING).exists():
        old, new = Story.FIRST_CHUNKING, Story.NEXT_CHUNKING
        replace_text(folder, _CHUNKING, f"max_tokens: int = {old}", f"max_tokens: int = {new}")


def _start(running: ExitStack, progress: Progress) -> tuple[Release, Bedrock]:
    password = secrets.token_hex(16)
    with progress.step("MiniStack, PostgreSQL and the fake Bedrock on 127.0.0.1"):
        bedrock = running.enter_context(Bedrock())
        directory = running.enter_context(database(_HOME / "database", password))
        aws = running.enter_context(emulator(_HOME))
    settings = parse_settings(_SETTINGS, origin="this machine")
    release = Release(
        deployment=Deployment(name=settings.name, aws=aws, folder=_HOME),
        surroundings=Surroundings(
            aws=aws, bedrock=bedrock.url, socket_directory=directory, password=password
        ),
        settings=settings,
        progress=progress,
        runtime=_TWINS / "runtime",
    )
    return release, bedrock


def _deploy_and_use(release: Release, bedrock: Bedrock) -> Client:
    service = release.deploy()
    progress = release.progress
    with progress.step("the first API key, by the migration function"):
        client = Client(service=service, key=service.create_key())
    story = Story(client=client, bedrock=bedrock, progress=progress)
    story.first_release()
    progress.say(f"a release whose chunks have {Story.NEXT_CHUNKING} tokens by default")
    release.deploy(change=with_other_chunking)
    story.next_release()
    return client


def _say_differences(progress: Progress) -> None:
    progress.say("What differs from the stack on AWS:")
    for difference in DIFFERENCES:
        progress.say(f"  - {difference.what}; {difference.why}")
    progress.say(f"  - settings: {_SETTINGS}")
    progress.say("What a run here does not try:")
    for untried in UNTRIED:
        progress.say(f"  - {untried}")


def _say_failure(progress: Progress, deployment: Deployment, error: Exception) -> None:
    progress.say(f"FAILED: {error}")
    for name in FUNCTIONS:
        progress.say(deployment.log_of(name))
    progress.say(f"more in {deployment.folder}: cdk.log, ministack.log, database/postgres/server.log")


def _keep(client: Client, progress: Progress) -> None:
    progress.say("running until Ctrl-C:")
    for name, value in {**client.service.outputs, "Url": client.service.url}.items():
        progress.say(f"  {name}: {value}")
    progress.say(f"  export ACERVO_API_KEY={client.key} AWS_ENDPOINT_URL={client.service.deployment.aws}")
    with suppress(KeyboardInterrupt):
        signal.pause()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.deploy", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C")
    return parser.parse_args()
