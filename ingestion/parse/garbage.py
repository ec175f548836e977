"""Reading without the search for cycles."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """For readers that make many small objects and no cycles. Also a decorator.

    To look for cycles takes nearly as long as to read JSON (`python -m bench.parsing --formats json`).
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
