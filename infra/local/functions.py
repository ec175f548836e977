"""The functions' folders for this machine: each bundle's twin and the program that Lambda brings along."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from infra.bundle import TASK_ROOT
from infra.bundles.functions import FUNCTIONS
from infra.bundles.packages import compile_modules, find_python

# -S: without this machine's own packages.
_BOOTSTRAP: Final = """\
#!/bin/sh
export PYTHONPATH="$LAMBDA_TASK_ROOT:{runtime}" PYTHONDONTWRITEBYTECODE=1
exec {python} -S -m awslambdaric "$_HANDLER"
"""


def prepare_functions(
    twins: Path, runtime: Path, target: Path, *, change: Callable[[Path], None] = lambda _: None
) -> Path:
    """Every function's folder, made in `target`; `change` is called with each, for another release."""
    shutil.rmtree(target, ignore_errors=True)
    for name in FUNCTIONS:
        folder = target / name
        shutil.copytree(twins / name, folder, copy_function=os.link)
        bootstrap = folder / "bootstrap"
        bootstrap.write_text(_BOOTSTRAP.format(runtime=runtime, python=find_python()), encoding="utf-8")
        bootstrap.chmod(0o755)
        change(folder)
    return target


def replace_text(folder: Path, module: Path, old: str, new: str) -> None:
    """In a function's module, compiled anew. Raises ValueError where `old` does not stand there once."""
    path = folder / module
    text = path.read_text(encoding="utf-8")
    if text.count(old) != 1:
        raise ValueError(f"{path}: {old!r} stands there {text.count(old)} times")
    # The files are links to the twin's: unlinked, not written to.
    compiled = list((path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"))
    for file in (path, *compiled):
        file.unlink()
    path.write_text(text.replace(old, new), encoding="utf-8")
    compile_modules(path.parent, shown_as=f"{TASK_ROOT}/{module.parent}")
