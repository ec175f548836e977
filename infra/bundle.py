"""Makes the functions' bundles in build/, without Docker: `python -m infra.bundle [ingestion|api|migration]`.

Lambda's machines are aarch64; the same bundle for this kind of machine is made beside it, and tried. So is
awslambdaric, which Lambda's Python runtime brings along: tests and `make deploy-local` run the others in it.
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Final

from infra.bundles.errors import BundleError
from infra.bundles.functions import FILES, FUNCTIONS, REPOSITORY, Function
from infra.bundles.packages import compile_modules, find_python, install, prune, size_of
from infra.bundles.sources import copy_modules, imported_modules, modules_of

LAMBDA_PLATFORM: Final = "aarch64-manylinux_2_28"
TWIN_PLATFORM: Final = "x86_64-manylinux_2_28"
TASK_ROOT: Final = "/var/task"
RUNTIME: Final = REPOSITORY / "requirements" / "lambda-runtime.txt"
_MEGABYTE: Final = 1_000_000

# The handler alone first: it may lack nothing. Then every module, those imported on demand too.
_TRY: Final = """
import importlib, sys
folder, handler, lacking, *modules = sys.argv[1:]
sys.path.insert(0, folder)
importlib.import_module(handler).handler
for module in modules:
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] not in lacking.split(","):
            raise
"""


def main() -> None:
    arguments = _arguments()
    try:
        for name in arguments.functions or FUNCTIONS:
            print(_build_both(FUNCTIONS[name], arguments.out))  # noqa: T201 - a command's output
        install(RUNTIME, arguments.out / "x86_64" / "runtime", platform=TWIN_PLATFORM)
    except BundleError as error:
        sys.exit(f"error: {error}")


def build(function: Function, target: Path, *, platform: str, offline: bool = False) -> Path:
    """Raises BundleError, where the bundle is too large too."""
    install(function.lock, target, platform=platform, offline=offline)
    prune(target, services=function.services)
    copy_modules(REPOSITORY, _own_modules(function), target)
    for name in function.files:
        (target / name).parent.mkdir(exist_ok=True)
        shutil.copy(FILES / name, target / name)
    compile_modules(target, shown_as=TASK_ROOT)
    if size_of(target) > function.limit_megabytes * _MEGABYTE:
        raise BundleError(f"{target} is {_megabytes(target)}; at most {function.limit_megabytes} MB may be")
    return target


def try_imports(function: Function, twin: Path) -> None:
    """Imports what the handler may import, with nothing but the bundle and Python's own library."""
    modules = _own_modules(function)
    lacking = ",".join(sorted(function.lacking))
    # -S: without this machine's own packages. -B: as in Lambda, where nothing can be written.
    command = [find_python(), "-I", "-S", "-B", "-c", _TRY, str(twin), function.module, lacking, *modules]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no shell
    if done.returncode:
        raise BundleError(f"the bundle of {function.name} cannot be imported: {done.stderr.strip()[-2000:]}")


def _own_modules(function: Function) -> list[str]:
    named = (modules_of(REPOSITORY, package) for package in function.whole)
    return imported_modules(REPOSITORY, function.module, *chain.from_iterable(named))


def _build_both(function: Function, out: Path) -> str:
    bundle = build(function, out / function.name, platform=LAMBDA_PLATFORM)
    twin = build(function, out / "x86_64" / function.name, platform=TWIN_PLATFORM)
    try_imports(function, twin)
    return (
        f"{bundle}  {_megabytes(bundle)} of at most {function.limit_megabytes} MB"
        f"  ({twin}  {_megabytes(twin)}, imported)"
    )


def _megabytes(folder: Path) -> str:
    return f"{size_of(folder) / _MEGABYTE:.1f} MB"


def _arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("functions", nargs="*", choices=[[], *FUNCTIONS], metavar="|".join(FUNCTIONS))
    parser.add_argument("--out", type=Path, default=REPOSITORY / "build")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
