"""Keeps the search indexes up with what the write path did."""

from collections.abc import Callable, Iterable
from math import inf
from typing import Final

from rag.ports import Store

# Documents after which a worker that finds no rest looks after the indexes, too.
EVERY: Final = 100
# One step must have an end before the worker has: it writes for a minute at most.
_STEP: Final = 75.0


def keep_up(store: Store, tenants: Iterable[str], remaining: Callable[[], float] = lambda: inf) -> None:
    """Until nothing is due, or there is no time left: then the next batch goes on."""
    for tenant in tenants:
        index = store.tenant(tenant).index
        while remaining() > _STEP and index.maintain():
            pass
