"""Tells when something below a folder changes, whatever names and links stand in it."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event

from watchfiles import Change, watch

from rag.files.opening import Tree
from rag.files.skipping import SkipRule
from rag.files.walking import folders
from rag.telemetry import logger

LOOK_AGAIN = timedelta(seconds=30)
# How long a change of names that cannot be told is waited for, and how often `stop` is looked at; seconds.
_PAUSE = 1.0


def watched(root: Path, rule: SkipRule, stop: Event) -> Iterator[None]:
    """Yields once after every burst of changes and every LOOK_AGAIN, until `stop` is set.

    Notifications can be lost (network file systems) or refused (the kernel's limit of watches). Each folder
    is watched by itself: watched as a whole, links would be followed out of it, and node_modules too.
    """
    refused = ""
    while not stop.is_set():
        try:
            yield from _notified(root, rule, stop)
        except (OSError, RuntimeError) as error:
            # A name that is not UTF-8 ends the watch as well; it is a change like any other.
            told = "Unable to decode" in str(error)
            if not told and refused != (refused := str(error)):
                logger.warning("The documents folder cannot be watched and is compared every 30 s: %s", error)
            stop.wait(_PAUSE if told else LOOK_AGAIN.total_seconds())
            yield


def _notified(root: Path, rule: SkipRule, stop: Event) -> Iterator[None]:
    """Ends when folders came or went."""
    known = _folders(root, rule)
    last = 0.0
    for changes in watch(
        *known,
        stop_event=stop,
        debounce=400,
        step=50,
        rust_timeout=round(_PAUSE * 1000),
        yield_on_timeout=True,
        watch_filter=None,
        recursive=False,
        raise_interrupt=False,
    ):
        # The first time too: what changed while the watch was set up.
        if changes or time.monotonic() - last > LOOK_AGAIN.total_seconds():
            yield
            last = time.monotonic()
            moved = not changes or any(_is_of_folder(change, path, known) for change, path in changes)
            if moved and _folders(root, rule) != known:
                return


def _is_of_folder(change: Change, path: str, known: frozenset[str]) -> bool:
    return path in known or (change is Change.added and Path(path).is_dir())


def _folders(root: Path, rule: SkipRule) -> frozenset[str]:
    """Those whose names can be told to the watcher; the others are compared every LOOK_AGAIN."""
    found = (f"{root}/{path}" for path in folders(Tree(root=root), rule))
    return frozenset((str(root), *(path for path in found if path.isprintable())))
