"""All patterns of the code, found by themselves: those made at import, and those written inside functions."""

import ast
import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

PACKAGES: Final = ("rag", "app", "ingestion")
ROOT: Final = Path(__file__).parent.parent
# Lambda's entry points do their work at import, with settings that are not here.
_NOT_IMPORTED: Final = ("lambda_handler", "migration_handler", "__main__")
_WITH_PATTERN: Final = frozenset(
    {"match", "search", "fullmatch", "findall", "finditer", "split", "sub", "subn"}
)
# Of what is cut before it reaches a pattern of these files: rag.text.terms.MAX_TERM_LENGTH.
LONGEST: Final = {"rag/text/portuguese.py": 100}
_EVERYWHERE: Final = frozenset({"search", "fullmatch"})


@dataclass(frozen=True, kw_only=True)
class Found:
    """`methods`: how the code applies it; both extremes where that cannot be read from the code."""

    place: str
    pattern: re.Pattern[Any]
    methods: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Patterns:
    """`unread`: calls inside functions whose pattern is only made when they run; modules not imported."""

    found: tuple[Found, ...]
    unread: tuple[str, ...]


@cache
def all_patterns() -> Patterns:
    compiled, missing = _compiled_at_import()
    used = _methods_by_name()
    found = [
        Found(place=place, pattern=pattern, methods=used.get(_name_at(place), frozenset()) or _EVERYWHERE)
        for place, pattern in compiled
    ]
    written, unread = _written_in_functions()
    return Patterns(found=(*found, *written), unread=(*missing, *unread))


def modules() -> Iterator[str]:
    for package in PACKAGES:
        for module in pkgutil.walk_packages([str(ROOT / package)], f"{package}."):
            yield module.name


def _compiled_at_import() -> tuple[list[tuple[str, re.Pattern[Any]]], list[str]]:
    found: list[tuple[str, re.Pattern[Any]]] = []
    missing: list[str] = []
    with _recorded(found):
        for name in modules():
            if name.endswith(_NOT_IMPORTED):
                missing.append(f"{name}: an entry point")
                continue
            try:
                importlib.import_module(name)
            except ImportError as error:
                missing.append(f"{name}: {error}")
    return found, missing


@contextmanager
def _recorded(found: list[tuple[str, re.Pattern[Any]]]) -> Iterator[None]:
    """Every `re.compile` that a module of ours reaches meanwhile, by file and line; needs a fresh process."""
    before = re.compile

    def compile_(pattern: Any, flags: int = 0) -> re.Pattern[Any]:
        compiled = before(pattern, flags)
        frame: Any = sys._getframe(1)  # noqa: SLF001 - who compiles is what is asked
        if _ours(frame):
            while frame.f_code.co_name != "<module>" and _ours(frame.f_back):
                frame = frame.f_back
            place = Path(frame.f_code.co_filename).relative_to(ROOT)
            found.append((f"{place}:{frame.f_lineno}", compiled))
        return compiled

    re.compile = compile_
    try:
        yield
    finally:
        re.compile = before


def _ours(frame: Any) -> bool:
    return frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in PACKAGES


def _trees() -> Iterator[tuple[Path, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text())


@cache
def _assignments() -> dict[str, str]:
    """The name that a module gives to what it makes, by file and line."""
    found: dict[str, str] = {}
    for path, tree in _trees():
        for node in tree.body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            name = targets[0]
            if not isinstance(node, ast.Assign | ast.AnnAssign) or not _calls(node.value, "compile"):
                continue
            if isinstance(name, ast.Name):
                for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                    found[f"{path}:{line}"] = f"{path}:{name.id}" if name.id[0] == "_" else name.id
    return found


def _calls(node: ast.AST | None, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name


def _name_at(place: str) -> str:
    return _assignments().get(place, "")


def _methods_by_name() -> dict[str, frozenset[str]]:
    """`_NAME.method(...)` by file for private names, by name alone for public ones."""
    found: dict[str, set[str]] = {}
    for path, tree in _trees():
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Attribute)
                and node.attr in _WITH_PATTERN
                and isinstance(node.value, ast.Name)
            ):
                name = node.value.id
                found.setdefault(f"{path}:{name}" if name[0] == "_" else name, set()).add(node.attr)
    return {name: frozenset(methods) for name, methods in found.items()}


def _written_in_functions() -> tuple[list[Found], list[str]]:
    found: list[Found] = []
    unread: list[str] = []
    for path, tree in _trees():
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                continue
            node: Any
            for node in ast.walk(function):
                if not _is_call_of_re(node):
                    continue
                place, first = f"{path}:{node.lineno}", node.args[0]
                if isinstance(first, ast.Constant):
                    methods = _EVERYWHERE if node.func.attr == "compile" else frozenset({node.func.attr})
                    found.append(Found(place=place, pattern=re.compile(first.value), methods=methods))
                else:
                    unread.append(f"{place}: {ast.unparse(first)}")
    return found, unread


def _is_call_of_re(node: Any) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr in {*_WITH_PATTERN, "compile"}
        and bool(node.args)
    )
