"""Lines that tell what happens while it happens."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Progress:
    """Each line begins with the seconds since the start."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        began = time.monotonic()
        self.say(f"{text} …")
        yield
        self.say(f"{text}: done in {time.monotonic() - began:.1f} s")

    def say(self, text: str) -> None:
        sys.stdout.write(f"[{time.monotonic() - self._started:6.1f} s] {text}\n")
        sys.stdout.flush()
