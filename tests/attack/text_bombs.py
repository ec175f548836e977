"""Texts whose repetition makes a careless pattern or parser take quadratic time."""

from collections.abc import Iterator, Mapping
from typing import Final

_SIZE: Final = 60_000
_SHAPES: Final[Mapping[str, str]] = {
    "dots": ".",
    "dots and blanks": ". ",
    "abbreviations": "Dr. ",
    "brackets": "[",
    "images": "![[",
    "links": "[a](",
    "emphasis": "*a_",
    "backticks": "`a``",
    "quotes": "> ",
    "parentheses": "((",
    "blanks": " ",
    "tabs and lines": "\t\n",
    "numbers": "1.1.",
    "tags": "<a",
    "entities": "&amp",
    "combining": "e\u0301",
    "one word": "a",
    "surrogate pairs": "\U0001f600",
    "closing quotes": "\u201d.",
    "dashes": "-\n",
    "pipes": "|a",
    "ideographs": "文",
}


def text_bombs() -> Iterator[tuple[str, str, bytes]]:
    """What is repeated, the suffix, the file."""
    for kind, shape in _SHAPES.items():
        run = shape * (_SIZE // len(shape))
        for suffix in ("txt", "md", "html"):
            yield f"run of {kind}", suffix, f"Hello. {run}x".encode()
    for suffix in ("txt", "md"):
        yield "ten runs of dots", suffix, ("Refunds are paid. " + "." * 2_500 + "x\n\n").encode() * 10
