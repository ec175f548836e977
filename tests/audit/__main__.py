"""`python -m tests.audit`: vulnerabilities and licences of everything in the locks; exit 1 on a finding."""

import argparse
import sys

from tests.audit import licences, vulnerabilities
from tests.audit.locks import locked


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main() -> int:
    argparse.ArgumentParser(prog="python -m tests.audit", description=__doc__).parse_args()
    packages = locked()
    findings, unknown = licences.problems(packages, licences.installed())
    _say(f"Licences: {len(packages) - len(unknown)} of {len(packages)} packages checked.")
    if unknown:
        _say(f"  Not installed here, so not checked: {', '.join(sorted(set(unknown)))}")
    try:
        vulnerable = vulnerabilities.known(packages)
        _say(f"Vulnerabilities: {len(packages)} packages checked.")
    except (OSError, ValueError) as error:
        vulnerable = []
        _say(f"Vulnerabilities: NOT CHECKED, since the OSV database could not be asked: {error}")
    for finding in (*findings, *vulnerable):
        _say(f"  {finding}")
    return 1 if findings or vulnerable else 0


if __name__ == "__main__":
    sys.exit(main())
