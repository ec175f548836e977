"""Licences that our process must not have, and those that nobody has looked at."""

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageMetadata, distributions
from typing import Final

from tests.audit.locks import Package, normal

_FORBIDDEN: Final = re.compile(r"\bA?GPL|Affero|(?<!Lesser )General Public License", re.IGNORECASE)
_LESSER: Final = re.compile(r"LGPL|Lesser General Public", re.IGNORECASE)
_KNOWN: Final = re.compile(
    r"\b(?:MIT|BSD|0BSD|Apache|ISC|ISCL|MPL|Mozilla Public|PSF|Python Software Foundation|Zlib|Unlicense|CC0"
    r"|HPND|CNRI)",
    re.IGNORECASE,
)
# Looked at by hand, with the reason why each may be here.
ACCEPTED: Final[Mapping[str, str]] = {
    "psycopg": "LGPL-3.0: imported as it is published, not changed, replaceable by its user",
    "psycopg-binary": "LGPL-3.0: as psycopg",
    "psycopg-pool": "LGPL-3.0: as psycopg",
    "aws-cdk-lib": "Apache-2.0 by its repository; its metadata only says that it is open source",
    "aws-cdk-asset-awscli-v1": "as aws-cdk-lib",
    "aws-cdk-asset-node-proxy-agent-v6": "as aws-cdk-lib",
    "aws-cdk-cloud-assembly-schema": "as aws-cdk-lib",
    "cdk-nag": "as aws-cdk-lib",
    "constructs": "as aws-cdk-lib",
}


def installed() -> dict[str, str]:
    """What each installed Python distribution says of its licence."""
    return {normal(each.metadata["Name"]): said(each.metadata) for each in distributions()}


def said(metadata: PackageMetadata) -> str:
    classifiers = [each for each in metadata.get_all("Classifier") or [] if each.startswith("License")]
    fields = metadata.json
    expression = fields.get("license_expression")
    # The old field holds whole texts, of which the beginning names the licence.
    return (
        str(expression) if expression else "; ".join([*classifiers, str(fields.get("license") or "")[:100]])
    )


def _parts(licence: str) -> list[str]:
    """Of an SPDX expression every licence, else the whole text."""
    return re.split(r" AND | OR ", licence)


def problems(packages: Iterable[Package], known: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Findings, and the packages of which nothing is known here: not installed on this machine."""
    findings, unknown = [], []
    for package in packages:
        licence = package.licence or known.get(package.name)
        if package.name in ACCEPTED:
            continue
        if licence is None:
            unknown.append(package.name)
        elif _FORBIDDEN.search(_LESSER.sub("", licence)):
            findings.append(f"{package.name} {package.version}: {licence!r} is not for our process")
        elif _LESSER.search(licence) or not all(map(_KNOWN.search, _parts(licence))):
            findings.append(f"{package.name} {package.version}: {licence!r} is to be looked at (ACCEPTED)")
    return findings, unknown
