"""Reading without the search for cycles."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """For readers of many small objects and no cycles: to look for cycles among those of a JSON file of 3 MB
    took as long as all the rest (`python -m bench.parsing`, 2026-11). Also a decorator.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
