"""Shapes that text-sized loops stumble over: of every text, and those that a pattern itself names."""

import re
from collections.abc import Iterator
from itertools import islice, pairwise
from typing import Any, Final

# Each is repeated to the size that is wanted.
GENERIC: Final = (
    ".",
    " ",
    "\n",
    "a",
    "1",
    "[",
    '"',
    "a.",
    "e\u0301",
    "-",
    "1,",
    " \n",
    "a \n",
    "<a ",
    "*a_ (b) | 1. \u00e9",
)
_MOST: Final = 14


def shapes_of(pattern: re.Pattern[Any]) -> tuple[str, ...]:
    """Its literals, each alone and each after the one before: what it begins with and does not end."""
    source = pattern.pattern
    text = source.decode("latin-1") if isinstance(source, bytes) else source
    runs = list(dict.fromkeys(_literals(text)))
    whole = "".join(runs)
    made = [*runs, *(left + right for left, right in pairwise(runs))]
    made += [whole, runs[0] + " ", runs[0] + "a "] if runs else []
    return tuple(islice((each for each in dict.fromkeys(made) if each not in GENERIC), _MOST))


def _literals(source: str) -> Iterator[str]:
    """Runs of characters that stand for themselves, read off the source without its classes and groups."""
    plain = re.sub(r"\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?[^)a-zA-Z]*|\{\d*,?\d*\}", "\0", source)
    plain = re.sub(r"\\([^\w\s])", lambda match: match[1], plain.replace("\\d", "1").replace("\\s", " "))
    for run in re.findall(r"[^\0()|*+?^$\\]+", plain):
        yield run[:40]
