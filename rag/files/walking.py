"""What stands below a folder: files, what stands in the place of one, and what is passed over."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from rag.domain.keys import MAX_KEY_BYTES, SIDECAR_SUFFIX
from rag.files.keys import key_of
from rag.files.opening import Obstacle, Tree, has_rights, obstacle_behind, obstacle_of, split
from rag.files.skipping import Reason, Skipped, SkipRule

_LISTED = os.R_OK | os.X_OK


@dataclass(frozen=True, kw_only=True)
class Found:
    """`state` is another one after each change; `obstacle` is why the file cannot be read."""

    path: str
    state: str
    size: int = 0
    obstacle: Obstacle | None = None


def walk(tree: Tree, rule: SkipRule) -> Iterator[Found | Skipped]:
    """Every entry once; what cannot be looked at is an entry with its obstacle, and costs no other one."""
    waiting = [""]
    while waiting:
        path = waiting.pop()
        below: list[str] = []
        try:
            yield from _listed(tree, path, rule, below)
        except OSError as error:
            yield from _unlisted(path, error)
        waiting.extend(reversed(below))


def folders(tree: Tree, rule: SkipRule) -> Iterator[str]:
    """Every folder below whose files `walk` finds, but for the first."""
    waiting = [""]
    while waiting:
        path = waiting.pop()
        try:
            with tree.folder(path, listed=True) as descriptor, os.scandir(descriptor) as entries:
                names = [each.name for each in entries if each.is_dir(follow_symlinks=False)]
        except OSError:
            continue
        below = [f"{path}/{name}" if path else name for name in names if not rule.reason(name)]
        waiting += (each for each in below if len(each) <= MAX_KEY_BYTES * 2)
        yield from below


def look(tree: Tree, path: str, rule: SkipRule) -> Found | Skipped | None:
    """What stands there, whatever its name; None: no file, or a folder that can be listed."""
    try:
        if not path:
            with tree.folder(listed=True):
                return None
        folder, name = split(path)
        with tree.folder(folder) as descriptor:
            found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                return _look_at_folder(descriptor, path, name)
            beside = name + SIDECAR_SUFFIX
            return _look(tree, descriptor, path, rule, found, has_sidecar=_exists(descriptor, beside))
    except OSError as error:
        try:
            return _failed(path, obstacle_behind(error))
        except OSError:
            return None


def _listed(tree: Tree, path: str, rule: SkipRule, below: list[str]) -> Iterator[Found | Skipped]:
    """The entries of one folder; `below` gets the folders to go on with."""
    with tree.folder(path, listed=True) as descriptor:
        names = frozenset(os.listdir(descriptor))  # noqa: PTH208 - of a descriptor
        for name in sorted(names):
            here = f"{path}/{name}" if path else name
            try:
                entry = _entry(tree, descriptor, here, rule, names)
            except OSError as error:
                yield from _unlisted(here, error)
                continue
            if entry:
                yield entry
            elif entry is None:
                below.append(here)


def _entry(
    tree: Tree, descriptor: int, path: str, rule: SkipRule, names: frozenset[str]
) -> Found | Skipped | Literal[False] | None:
    """None: a folder to go on with; False: a side-car."""
    name = path.rpartition("/")[2]
    if reason := rule.reason(name):
        return Skipped(path=path, reason=reason)
    found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
    if stat.S_ISDIR(found.st_mode):
        return _look_at_folder(descriptor, path, name)
    if name.endswith(SIDECAR_SUFFIX):
        return False
    return _look(tree, descriptor, path, rule, found, has_sidecar=name + SIDECAR_SUFFIX in names)


def _unlisted(path: str, error: OSError) -> Iterator[Found]:
    try:
        yield _failed(path, obstacle_behind(error))
    except OSError:  # the folder is gone
        return


def _look_at_folder(descriptor: int, path: str, name: str) -> Found | None:
    if len(key_of(path).encode()) > MAX_KEY_BYTES:
        return _failed(path, Obstacle.DEEP)
    return None if has_rights(name, folder=descriptor, wanted=_LISTED) else _failed(path, Obstacle.DENIED)


def _look(
    tree: Tree, descriptor: int, path: str, rule: SkipRule, found: os.stat_result, *, has_sidecar: bool
) -> Found | Skipped:
    if stat.S_ISLNK(found.st_mode):
        seen = _look_through(tree, path, found)
        if isinstance(seen, Skipped):
            return seen
        if seen.obstacle is None and (target := tree.target(path)) and not rule.leaves_out(target):
            return Skipped(path=path, reason=Reason.DOUBLE)
    else:
        seen = _described(descriptor, path, found)
    beside = _sidecar_state(tree, descriptor, path + SIDECAR_SUFFIX) if has_sidecar else ""
    return Found(path=path, state=f"{seen.state}+{beside}", size=seen.size, obstacle=seen.obstacle)


def _described(descriptor: int, path: str, found: os.stat_result) -> Found:
    """Raises FileNotFoundError for a folder."""
    obstacle = obstacle_of(found, os.fstat(descriptor))
    if obstacle is None and not has_rights(path.rpartition("/")[2], folder=descriptor):
        obstacle = Obstacle.DENIED
    state = f"{found.st_size}-{found.st_mtime_ns}"
    if obstacle:
        state = f"!{obstacle.name.lower()}-{state}"
    return Found(path=path, state=state, size=found.st_size, obstacle=obstacle)


def _look_through(tree: Tree, path: str, link: os.stat_result) -> Found | Skipped:
    """What a link leads to, under the link's path."""
    try:
        target = tree.target(path)
        if target is None:
            return Skipped(path=path, reason=Reason.OUTSIDE)
        folder, name = split(target)
        with tree.folder(folder) as descriptor:
            found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                return Skipped(path=path, reason=Reason.FOLDER_LINK)
            seen = _described(descriptor, target, found)
        return Found(path=path, state=seen.state, size=seen.size, obstacle=seen.obstacle)
    except OSError as error:
        return _failed(path, _obstacle_of_link(error), link.st_mtime_ns)


def _obstacle_of_link(error: OSError) -> Obstacle:
    try:
        return obstacle_behind(error)
    except OSError:
        return Obstacle.DANGLING


def _sidecar_state(tree: Tree, descriptor: int, path: str) -> str:
    """Empty where there is none."""
    try:
        found = os.stat(path.rpartition("/")[2], dir_fd=descriptor, follow_symlinks=False)
        if stat.S_ISDIR(found.st_mode):
            return ""
        if not stat.S_ISLNK(found.st_mode):
            return _described(descriptor, path, found).state
    except FileNotFoundError:
        return ""
    seen = _look_through(tree, path, found)
    return f"!{seen.reason.name.lower()}" if isinstance(seen, Skipped) else seen.state


def _failed(path: str, obstacle: Obstacle, since: int = 0) -> Found:
    return Found(path=path, state=f"!{obstacle.name.lower()}-{since}", obstacle=obstacle)


def _exists(descriptor: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=descriptor, follow_symlinks=False)
    except OSError:
        return False
    return True
