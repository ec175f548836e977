"""Which names below a folder are never documents, and how it is said what was passed over."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import translate

from rag.domain.keys import SIDECAR_SUFFIX

# What editors, office programs, browsers and systems leave beside documents.
DEFAULT_NAMES = (
    "~$*",
    ".~lock.*#",
    "*.swp",
    "*~",
    "#*#",
    "~*.tmp",
    "*.part",
    "*.crdownload",
    "Thumbs.db",
    "desktop.ini",
    "$RECYCLE.BIN",
    "System Volume Information",
    "lost+found",
    "node_modules",
    "__pycache__",
)
_NAMED = 3


class Reason(StrEnum):
    """In the words of a count, as in: 3 hidden, 1 by name."""

    HIDDEN = "hidden"
    NAME = "by name"
    OUTSIDE = "links that leave the folder"
    FOLDER_LINK = "links to folders"
    DOUBLE = "links to files that are there themselves"
    SPECIAL = "pipes, sockets or devices"
    NO_COLLECTION = "files in no collection's folder"


class SkipRule:
    """Hidden names, and those that match a pattern; upper and lower case are one. Files and folders alike."""

    def __init__(self, names: Sequence[str] = DEFAULT_NAMES) -> None:
        self._names = re.compile("|".join(translate(name.casefold()) for name in names) or r"(?!)")

    def reason(self, name: str) -> Reason | None:
        if name.startswith("."):
            return Reason.HIDDEN
        return Reason.NAME if self._names.match(name.casefold()) else None

    def leaves_out(self, path: str) -> bool:
        """Whether a file at this path is no document, for its own name or that of a folder above."""
        return path.endswith(SIDECAR_SUFFIX) or any(map(self.reason, path.split("/")))


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """A file or folder that is passed over."""

    path: str
    reason: Reason


@dataclass(kw_only=True)
class SkipCount:
    """How much was passed over, and a few names for each reason."""

    counts: Counter[Reason] = field(default_factory=Counter)
    names: dict[Reason, list[str]] = field(default_factory=dict)

    def add(self, skipped: Skipped) -> None:
        self.counts[skipped.reason] += 1
        names = self.names.setdefault(skipped.reason, [])
        if len(names) < _NAMED:
            names.append(skipped.path)

    def sentence(self) -> str:
        """Empty where nothing was passed over."""
        said = ", ".join(map(self._of, sorted(self.counts)))
        return f"Skipped: {said}." if said else ""

    def _of(self, reason: Reason) -> str:
        names = ", ".join(self.names[reason])
        more = ", …" if self.counts[reason] > len(self.names[reason]) else ""
        return f"{self.counts[reason]} {reason} ({names}{more})"
