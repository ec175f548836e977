"""Our own modules that a handler imports, found in the source without running it."""

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

OWN: Final = ("app", "ingestion", "rag")


def imported_modules(root: Path, *modules: str) -> list[str]:
    """`modules`, all of ours that they import at any depth, on demand too, and their packages."""
    found: set[str] = set()
    waiting = [*modules]
    while waiting:
        name = waiting.pop()
        if name in found or name.partition(".")[0] not in OWN or not (path := _path_of(root, name)):
            continue
        found.add(name)
        waiting += [name.rpartition(".")[0], *_imports(path)]
    return sorted(found)


def modules_of(root: Path, package: str) -> list[str]:
    """All of a package's own, itself included."""
    names = [path.stem for path in root.joinpath(*package.split(".")).glob("*.py")]
    return [package, *(f"{package}.{name}" for name in names if name != "__init__")]


def copy_modules(root: Path, modules: list[str], target: Path) -> None:
    """With the data files that stand beside modules and in folders that hold nothing else."""
    packages = {path.parent for name in modules if (path := _path_of(root, name)) and _is_package(path)}
    sources = {path for name in modules if (path := _path_of(root, name))}
    for path in sources.union(*map(_data_of, packages)):
        copy = target / path.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def _path_of(root: Path, module: str) -> Path | None:
    place = root.joinpath(*module.split("."))
    candidates = (place.with_suffix(".py"), place / "__init__.py")
    return next(filter(Path.is_file, candidates), None)


def _is_package(path: Path) -> bool:
    return path.name == "__init__.py"


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _data_of(package: Path) -> set[Path]:
    folders = [package, *(each for each in package.iterdir() if _holds_data_only(each))]
    return {
        path for folder in folders for path in folder.iterdir() if path.is_file() and path.suffix != ".py"
    }


def _holds_data_only(folder: Path) -> bool:
    return folder.is_dir() and folder.name != "__pycache__" and not any(folder.glob("*.py"))
