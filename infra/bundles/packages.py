"""The packages of a lock, installed for another machine, without what no function reads."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from infra.bundles.errors import BundleError, PackagesUnavailable, ToolMissing

PYTHON_VERSION: Final = "3.13"

# Tests, sources of compiled modules, type stubs and commands of the packages.
_UNREAD_FOLDERS: Final = (
    "**/tests",
    "bin",
    "numpy/_core/include",
    "numpy/_core/lib",
    "numpy/f2py",
    "lxml/includes",
)
_UNREAD_FILES: Final = ("*.pyi", "*.pxd", "*.pyx", "*.pxi", "*.c", "*.h", "*.hpp", "*.a", "examples-1.json*")


def find_uv() -> str:
    beside = Path(sys.executable).with_name("uv")
    if found := str(beside) if beside.exists() else shutil.which("uv"):
        return found
    raise ToolMissing("uv is not installed: make setup, or pip install uv")


def find_python() -> str:
    """The Python whose compiled modules Lambda's runtime reads."""
    pyenv = sorted(Path("~/.pyenv/versions").expanduser().glob(f"{PYTHON_VERSION}.*/bin/python"))
    managed = sorted(Path("~/.local/share/uv/python").expanduser().glob(f"*-{PYTHON_VERSION}.*/bin/python3"))
    for candidate in (sys.executable, f"python{PYTHON_VERSION}", *map(str, (*pyenv, *managed))):
        if _version_of(candidate) == PYTHON_VERSION:
            return candidate
    raise ToolMissing(f"Python {PYTHON_VERSION} is not installed: uv python install {PYTHON_VERSION}")


def install(lock: Path, target: Path, *, platform: str, offline: bool = False) -> None:
    """Into the folder `target`; `offline` takes uv's cache alone. Raises PackagesUnavailable."""
    shutil.rmtree(target, ignore_errors=True)
    command = [find_uv(), "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--no-config"]
    command += ["--only-binary", ":all:", "--python", find_python(), "--python-version", PYTHON_VERSION]
    command += ["--python-platform", platform, "--target", str(target), "--requirements", str(lock)]
    done = _run([*command, "--offline"] if offline else command)
    if done.returncode:
        raise PackagesUnavailable(f"{lock.name} for {platform}: {done.stderr.strip()[-2000:]}")


def prune(target: Path, *, services: frozenset[str]) -> None:
    for folder in [each for pattern in _UNREAD_FOLDERS for each in target.glob(pattern)]:
        shutil.rmtree(folder)
    for file in [each for pattern in _UNREAD_FILES for each in target.rglob(pattern)]:
        file.unlink()
    for service in _services_in(target):
        if service.name not in services:
            shutil.rmtree(service)
    if missing := services - {service.name for service in _services_in(target)}:
        raise BundleError(f"botocore knows no services called {', '.join(sorted(missing))}")


def compile_modules(target: Path, *, shown_as: str) -> None:
    """Compiled modules that nobody compares with their source: Lambda's files neither change nor take a
    time stamp along. `shown_as` is the folder that tracebacks name.
    """
    command = [find_python(), "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash"]
    done = _run([*command, "-s", str(target), "-p", shown_as, str(target)])
    if done.returncode:
        raise BundleError(f"modules of {target} do not compile: {(done.stdout + done.stderr)[-2000:]}")


def size_of(target: Path) -> int:
    """In bytes, unzipped."""
    return sum(path.lstat().st_size for path in target.rglob("*") if path.is_file())


def _services_in(target: Path) -> Iterator[Path]:
    return (each for each in (target / "botocore" / "data").iterdir() if each.is_dir())


def _version_of(python: str) -> str | None:
    try:
        done = _run([python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no shell
