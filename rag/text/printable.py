"""Text whose control characters steer no terminal and forge no line of a log."""

import re

# C0 and C1 controls, what turns the direction of text, and halves of surrogate pairs.
_LATIN = 0xFF
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str, *, kept: str = "") -> str:
    """With control characters written as escapes, but for those that are `kept`."""
    return CONTROLS.sub(lambda found: found[0] if found[0] in kept else _escape(found[0]), text)


def _escape(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number <= _LATIN else f"\\u{number:04x}"
