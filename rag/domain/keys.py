"""What a document key and a collection name may look like, in every source and every database."""

import re
import unicodedata

from rag.errors import InvalidKey, InvalidRequest

COLLECTION_NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"
SIDECAR_SUFFIX = ".metadata.json"
MAX_KEY_BYTES = 1024
# File systems end at 255 bytes a name; the side-car of the longest key must fit too.
MAX_SEGMENT_BYTES = 255 - len(SIDECAR_SUFFIX)


def validate_collection_name(name: str, *, pointer: str = "/name") -> str:
    """The name itself. Raises InvalidRequest."""
    # fullmatch: `$` alone lets a final line break through.
    if re.fullmatch(COLLECTION_NAME_PATTERN.strip("^$"), name) is None:
        raise InvalidRequest(
            "A collection name has 1 to 63 characters: a-z, 0-9, '_' and '-', a letter or digit first.",
            pointer=pointer,
        )
    return name


def validate_key(key: str, *, pointer: str = "/key") -> str:
    """The key itself. Raises InvalidKey."""
    problem = problem_of_key(key)
    if problem is not None:
        raise InvalidKey(f"This key cannot be stored: {problem}.", pointer=pointer)
    return key


def problem_of_key(key: str) -> str | None:
    """Why it cannot be stored; None if it can."""
    return _problem_of_text(key) or _problem_of_segments(key.split("/"))


def _problem_of_text(key: str) -> str | None:
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in key):
        return "it holds a control character or half a surrogate pair"
    if not 1 <= len(key.encode()) <= MAX_KEY_BYTES:
        return f"it must have 1 to {MAX_KEY_BYTES} bytes"
    if key.endswith(SIDECAR_SUFFIX):
        return f"names that end in {SIDECAR_SUFFIX} are reserved"
    return None


def _problem_of_segments(segments: list[str]) -> str | None:
    if "" in segments:
        return "it must not begin or end with '/', nor hold '//'"
    if any(segment.startswith(".") for segment in segments):
        return "no part of it may begin with '.'"
    if any(len(segment.encode()) > MAX_SEGMENT_BYTES for segment in segments):
        return f"each part between '/' has at most {MAX_SEGMENT_BYTES} bytes"
    return None
