"""What entry points change of the process's logging, put back afterwards."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_CHANGED = ("", "acervo", "acervo.metrics", "uvicorn", "uvicorn.error")


@contextmanager
def logging_as_before() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in _CHANGED]
    known = [(each, [*each.handlers], each.level, each.propagate) for each in loggers]
    try:
        yield
    finally:
        for each, handlers, level, propagate in known:
            each.handlers, each.propagate = handlers, propagate
            each.setLevel(level)
