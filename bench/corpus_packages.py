"""Debian's documentation packages: half a million passages of real text in English and Portuguese."""

import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

# In the order in which passages are taken from them: a paragraph that two packages hold counts for the first.
PACKAGES: Final = tuple(Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").split())


def download(names: Iterable[str], folder: Path) -> None:
    """The packages' archives by apt-get, those that are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [name for name in names if not _archives(folder, name)]
    if missing:
        _run(["apt-get", "download", "-q", *missing], folder)


def unpack(name: str, archives: Path, folder: Path) -> None:
    """Raises FileNotFoundError where the archive was not downloaded."""
    found = _archives(archives, name)
    if not found:
        raise FileNotFoundError(f"no archive of {name} in {archives}")
    folder.mkdir(parents=True)
    _run(["dpkg", "-x", str(found[-1]), str(folder)], archives)


def _archives(folder: Path, name: str) -> list[Path]:
    return sorted(folder.glob(f"{name}_*.deb"))


def _run(command: Sequence[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True)  # noqa: S603 - apt-get and dpkg with the names above
