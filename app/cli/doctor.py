"""`acervo doctor`: whether this machine, or a server, can do its work."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from typer import Context, Exit, Option

from app.checks import Check
from app.cli.connection import connect, data_directory, server_url, settings_errors
from app.cli.exits import ExitCode, WrongUsage
from app.cli.options import AsJson, DataDir, Server
from app.cli.output import say, say_json
from rag.errors import AcervoError

EPILOG = """\b
Examples:
  acervo doctor
  acervo doctor --data-dir ./demo-data --json
  acervo doctor --server http://127.0.0.1:8000
  acervo doctor --aws --endpoint-instance ml.inf2.xlarge

With a server, that server is checked; otherwise everything that local mode needs on this machine.
With --aws, the AWS account that a deployment is meant for: of the credentials and the region that the
environment or AWS_PROFILE names. Nothing is changed there.
"""

OLDEST_PYTHON = (3, 11)
# An empty embedded database takes 0.05 GB; a disk that fills up stops it. GB.
LEAST_FREE_DISK = 1.0


def doctor(
    context: Context,
    *,
    as_json: AsJson = False,
    server: Server = None,
    data_dir: DataDir = None,
    aws: Annotated[
        bool, Option("--aws", help="Check the AWS account that a deployment is meant for.")
    ] = False,
    endpoint_instance: Annotated[
        str | None,
        Option(
            "--endpoint-instance", metavar="TYPE", help="With --aws: an instance type wanted for SageMaker."
        ),
    ] = None,
) -> None:
    """Check that everything Acervo needs is there."""
    if endpoint_instance and not aws:
        raise WrongUsage("--endpoint-instance belongs to --aws.")
    found = []
    for check in _aws(endpoint_instance) if aws else _checks(context, server, data_dir):
        found.append(check)
        if not as_json:
            _say(check)
    if as_json:
        say_json({"ok": all(check.ok for check in found), "checks": [vars(check) for check in found]})
    if not all(check.ok for check in found):
        raise Exit(ExitCode.FAILED)


def _checks(context: Context, server: str | None, data_dir: Path | None) -> Iterator[Check]:
    yield _python()
    if url := server_url(context, server, data_dir):
        yield _server(context, url)
    else:
        directory = data_directory(context, data_dir).resolve()
        writable = _writable(directory)
        yield writable
        yield _free_disk(directory)
        if writable.ok:
            yield from _local(directory)


def _aws(endpoint_instance: str | None) -> Iterator[Check]:
    try:
        with settings_errors():
            from app.operations import account_checks

            yield from account_checks(endpoint_instance)
    except AcervoError as error:
        yield Check(name="settings", ok=False, detail=error.detail, advice="Correct the setting.")


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    oldest = ".".join(map(str, OLDEST_PYTHON))
    return Check(
        name="Python",
        ok=sys.version_info >= OLDEST_PYTHON,
        detail=version,
        advice=f"Install Acervo with Python {oldest} or newer.",
    )


def _writable(directory: Path) -> Check:
    existing = _existing(directory)
    return Check(
        name="data directory",
        ok=existing.is_dir() and os.access(existing, os.W_OK | os.X_OK),
        detail=str(directory),
        advice=f"Nothing can be written in {existing}: name another place with --data-dir.",
    )


def _free_disk(directory: Path) -> Check:
    free = shutil.disk_usage(_existing(directory)).free / 1e9
    return Check(
        name="free disk",
        ok=free >= LEAST_FREE_DISK,
        detail=f"{free:.1f} GB",
        advice=f"Free at least {LEAST_FREE_DISK:.0f} GB, or name another disk with --data-dir.",
    )


def _existing(directory: Path) -> Path:
    return next(path for path in (directory, *directory.parents) if path.exists())


def _local(directory: Path) -> Iterator[Check]:
    try:
        from app.local import diagnose

        with settings_errors():
            yield from diagnose(directory)
    except ImportError as error:
        advice = "Install Acervo again, with all its dependencies."
        yield Check(name="packages", ok=False, detail=str(error), advice=advice)
    except AcervoError as error:
        yield Check(name="settings", ok=False, detail=error.detail, advice="Correct the setting.")


def _server(context: Context, url: str) -> Check:
    try:
        with connect(context, url, None) as client:
            client.get("/readyz")
            models = client.get("/v1/models")
    except AcervoError as error:
        return Check(name="server", ok=False, detail=error.detail, advice="Start it, or read its log.")
    return Check(name="server", ok=True, detail=f"{url} is ready ({_model_names(models)})")


def _model_names(models: dict[str, Any]) -> str:
    names = (model["id"] for kind in ("embedding", "generation") for model in models[kind])
    return ", ".join(names)


def _say(check: Check) -> None:
    say(f"{'ok' if check.ok else 'FAIL':<5}{check.name}: {check.detail}")
    if not check.ok:
        say(f"     what to do: {check.advice}")
