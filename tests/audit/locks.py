"""What the locks install: names and versions, from Python's requirements and npm's lock."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).parents[2]
_PINNED: Final = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, order=True)
class Package:
    """`ecosystem` as OSV names it: PyPI or npm. `licence` where the lock tells it."""

    ecosystem: str
    name: str
    version: str
    licence: str = ""


def locked(repository: Path = REPOSITORY) -> list[Package]:
    """Each package of each lock, once."""
    found = {*_python(repository), *_npm(repository)}
    return sorted(found)


def normal(name: str) -> str:
    """Names of PyPI that differ in this way alone are one."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _python(repository: Path) -> Iterator[Package]:
    for path in sorted((repository / "requirements").glob("*.txt")):
        for name, version in _PINNED.findall(path.read_text(encoding="utf-8")):
            yield Package(ecosystem="PyPI", name=normal(name), version=version)


def _npm(repository: Path) -> Iterator[Package]:
    for path in sorted(repository.glob("*/**/package-lock.json")):
        if "node_modules" in path.parts or "build" in path.parts:
            continue
        for place, about in json.loads(path.read_text(encoding="utf-8"))["packages"].items():
            if name := place.rpartition("node_modules/")[2]:
                licence = str(about.get("license", ""))
                yield Package(ecosystem="npm", name=name, version=about["version"], licence=licence)
