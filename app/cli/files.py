"""Which files to ingest, under which keys."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from app.cli.exits import WrongUsage
from rag.domain.keys import SIDECAR_SUFFIX
from rag.errors import InvalidSidecar

_ATTRIBUTES = {"title", "media_type", "metadata"}


@dataclass(frozen=True, kw_only=True)
class File:
    path: Path
    key: str

    @cached_property
    def sha256(self) -> str:
        with self.path.open("rb") as body:
            return hashlib.file_digest(body, "sha256").hexdigest()

    def attributes(self) -> dict[str, Any]:
        """Title, media type and metadata, as `<file>.metadata.json` has them. Raises InvalidSidecar."""
        beside = self.path.with_name(self.path.name + SIDECAR_SUFFIX)
        if not beside.is_file():
            return {}
        try:
            said = json.loads(beside.read_bytes())
        except ValueError as error:
            raise InvalidSidecar(f"{beside} is not valid JSON. Mend or remove it.") from error
        if not isinstance(said, dict) or not said.keys() <= _ATTRIBUTES:
            raise InvalidSidecar(
                f"{beside} must be an object of title, media_type and metadata. Mend or remove it."
            )
        return said


def find_files(paths: Iterable[Path], prefix: str) -> list[File]:
    """Each file named and each below a folder named, without hidden ones. Raises WrongUsage."""
    files: dict[str, File] = {}
    for root in paths:
        for path in _files_of(root):
            relative = path.relative_to(root).as_posix() if root.is_dir() else path.name
            file = File(path=path, key=prefix + relative)
            other = files.setdefault(file.key, file)
            if other.path.resolve() != path.resolve():
                raise WrongUsage(
                    f"{other.path} and {path} would both be stored as {file.key!r}."
                    " Ingest them in two runs with different --prefix, or give the folder that holds both."
                )
    return list(files.values())


def _files_of(root: Path) -> Iterator[Path]:
    if not root.is_dir():
        yield root
        return
    for parent, folders, names in os.walk(root, onerror=_refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from filter(_is_wanted, (Path(parent, name) for name in sorted(names)))


def _is_wanted(path: Path) -> bool:
    """No pipe or device, which would be read for ever; but a link to nothing, which is then reported."""
    named = not path.name.startswith(".") and not path.name.endswith(SIDECAR_SUFFIX)
    return named and (path.is_file() or not path.exists())


def _refuse(error: OSError) -> None:
    # os.walk would pass over a folder that cannot be read.
    raise error
