"""The key of a file below its collection, also of one whose name cannot be a key.

Such a key begins with `/`, as no other does; in it `%XX` is a byte that is no text or a control character,
and `%25` a percent sign. So every file has a key of its own, and its failure can be shown under it.
"""

import os
import re
import unicodedata

from rag.domain.keys import problem_of_key

_ESCAPED = re.compile(rb"%([0-9A-F]{2})")


def key_of(path: str) -> str:
    """`path` is as the system gives it: bytes that are no text are halves of surrogate pairs."""
    return path if problem_of_key(path) is None else "/" + "".join(map(_escaped, path))


def path_of(key: str) -> str:
    """The inverse of `key_of`."""
    if not key.startswith("/"):
        return key
    return os.fsdecode(_ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), os.fsencode(key[1:])))


def problem_of_name(path: str) -> str | None:
    """Why a file cannot have its path as its key, in a sentence; None if it can."""
    problem = problem_of_key(path)
    if problem is None:
        return None
    if any(unicodedata.category(character) == "Cs" for character in path):
        problem = "it holds bytes that are not UTF-8"
    return f"The file's name cannot be a key: {problem}. Rename the file."


def _escaped(character: str) -> str:
    if character == "%" or unicodedata.category(character) in {"Cc", "Cs"}:
        return "".join(f"%{byte:02X}" for byte in os.fsencode(character))
    return character
