"""Runs checkov over templates, the findings of infra/checkov.yaml accepted, no other."""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from infra.bundles.errors import ToolMissing
from infra.bundles.packages import find_uv

# It asks for an old boto3, so it runs in an environment of its own, which uv makes.
CHECKOV: Final = "checkov==3.3.30"
ACCEPTED: Final = Path(__file__).with_name("checkov.yaml")
_HASH: Final = re.compile(r"[0-9A-F]{8}$")


class CheckovFailed(Exception):
    """checkov could not run, or could not read a template."""


@dataclass(frozen=True, kw_only=True, order=True)
class Finding:
    """`construct` is the logical id without CDK's hash."""

    check: str
    construct: str
    name: str


def find(templates: Sequence[Path]) -> list[Finding]:
    """What checkov finds. Raises CheckovFailed."""
    command = [find_uv(), "tool", "run", CHECKOV, "--framework", "cloudformation", "--skip-download"]
    command += ["--output", "json", *(part for path in templates for part in ("--file", str(path)))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    try:
        report = json.loads(done.stdout)
    except ValueError as error:
        raise CheckovFailed(f"checkov did not run: {done.stderr.strip()[-2000:]}") from error
    return sorted(set(findings(report)))


def findings(report: Mapping[str, Any]) -> Iterable[Finding]:
    """Of checkov's report in JSON. Raises CheckovFailed where it read nothing."""
    if report.get("summary", report)["parsing_errors"] or not report.get("results"):
        raise CheckovFailed(f"checkov could not read the template: {report.get('summary', report)}")
    for failed in report["results"]["failed_checks"]:
        logical_id = failed["resource"].partition(".")[2]
        yield Finding(
            check=failed["check_id"], construct=_HASH.sub("", logical_id), name=failed["check_name"]
        )


def accepted(text: str) -> set[tuple[str, str]]:
    """Checks with their constructs. Raises ValueError for one without a reason."""
    listed: Mapping[str, Mapping[str, Any]] = yaml.safe_load(text)
    if lacking := [check for check, entry in listed.items() if not str(entry.get("reason", "")).strip()]:
        raise ValueError(f"without a reason: {', '.join(lacking)}")
    return {(check, construct) for check, entry in listed.items() for construct in entry["constructs"]}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m infra.checkov", description=__doc__)
    parser.add_argument("templates", nargs="+", type=Path)
    known = accepted(ACCEPTED.read_text(encoding="utf-8"))
    try:
        found = find(parser.parse_args().templates)
    except (CheckovFailed, ToolMissing) as error:
        sys.exit(f"acervo: {error}")
    new = [finding for finding in found if (finding.check, finding.construct) not in known]
    for finding in new:
        sys.stdout.write(f"{finding.check} {finding.construct}: {finding.name}\n")
    sys.stdout.write(f"{len(found) - len(new)} findings accepted by {ACCEPTED.name}, {len(new)} not\n")
    sys.exit(bool(new))


if __name__ == "__main__":
    main()
