"""Which text and which metadata of a source the database can store."""

import json
import re
from typing import Any

from rag.domain.documents import Metadata

_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def storable_text(value: Any) -> str:
    """The text itself. Raises ValueError with what is wrong."""
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("must be a string without NUL characters")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError("holds half a surrogate pair") from error
    return value


def storable_metadata(value: Any) -> Metadata:
    """The metadata itself, empty for None. Raises ValueError with what is wrong."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError("must be a JSON object")  # noqa: TRY004 - as of every other value
    try:
        written = json.dumps(value, ensure_ascii=False, allow_nan=False)
        written.encode()
    except (ValueError, RecursionError) as error:
        raise ValueError("holds a value that cannot be stored, or is nested too deeply") from error
    if _NUL.search(written):
        raise ValueError("must not hold NUL characters")
    return value
