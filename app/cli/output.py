"""Data on standard output, progress and errors on standard error, colours on terminals only."""

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rag.text.printable import printable

if TYPE_CHECKING:
    from rich.progress import Progress

# What a document says must not steer the reader's terminal; line breaks and tabs may stay.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def say(text: str = "") -> None:
    """One piece of data, as it is."""
    sys.stdout.write(f"{safe(text)}\n")


def say_json(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=2)
    # JSON itself escapes only the controls below U+0020.
    sys.stdout.write(_CONTROLS.sub(_escape, text) + "\n")


def note(text: str) -> None:
    """Something for a person, not for a program that reads the data."""
    sys.stderr.write(f"{safe(text)}\n")


def say_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table on a terminal; for a program, lines of values between tabs."""
    cells = [[one_line(safe(str(cell))) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in (columns, *cells):
            sys.stdout.write("\t".join(row) + "\n")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    Console().print(table)


@contextmanager
def status(text: str) -> Iterator[None]:
    """A sign of life on a terminal while something takes its time."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text(safe(text))):
        yield


@contextmanager
def progress() -> Iterator["Progress"]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(
        *columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    ) as bars:
        yield bars


def safe(text: str) -> str:
    """With escapes for the characters that would steer a terminal."""
    return printable(text, kept="\n\t")


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def one_line(text: str) -> str:
    return " ".join(text.split())


@contextmanager
def live_text() -> Iterator[Callable[[str | None], None]]:
    """Text that grows on a terminal, begins anew with None, and disappears in the end; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _piece: None
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    text = Text()

    def grow(piece: str | None) -> None:
        if piece is None:
            text.truncate(0)
        else:
            text.append(safe(piece))

    with Live(text, console=Console(stderr=True), transient=True):
        yield grow


def is_interactive() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()
