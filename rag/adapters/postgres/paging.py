"""Opaque keyset cursors."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

from psycopg.rows import DictRow

from rag.domain.pages import Page, PageRequest
from rag.errors import PageNotFound

T = TypeVar("T")


def encode_cursor(value: str) -> str:
    return base64.urlsafe_b64encode(value.encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None, *, first: str = "") -> str:
    """The value behind a cursor, `first` where there is none. Raises PageNotFound."""
    if cursor is None:
        return first
    try:
        value = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError, ValueError):
        value = ""
    if not value or "\0" in value:
        raise PageNotFound("The cursor is not one that this list returned.")
    return value


def page_of(
    rows: Sequence[DictRow], request: PageRequest, convert: Callable[[DictRow], T], *, position: str
) -> Page[T]:
    """A page from `limit + 1` rows: the surplus one only says that there is more."""
    shown = rows[: request.limit]
    more = len(rows) > request.limit
    next_cursor = encode_cursor(str(shown[-1][position])) if more else None
    return Page(items=tuple(map(convert, shown)), next_cursor=next_cursor)
