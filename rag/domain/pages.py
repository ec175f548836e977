"""One page of a list that goes on behind a cursor."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_LIMIT = 100
DEFAULT_LIMIT = 20


@dataclass(frozen=True, kw_only=True)
class PageRequest:
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None


@dataclass(frozen=True, kw_only=True)
class Page(Generic[T]):
    items: tuple[T, ...]
    next_cursor: str | None = None


def every(fetch: Callable[[PageRequest], Page[T]]) -> Iterator[T]:
    """All items of a list, page after page."""
    request = PageRequest(limit=MAX_LIMIT)
    while True:
        page = fetch(request)
        yield from page.items
        if page.next_cursor is None:
            return
        request = PageRequest(limit=MAX_LIMIT, cursor=page.next_cursor)
