"""How a chat model marks what supports a sentence: `[n: "exact words"]`, read out of a stream."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

INSUFFICIENT_EVIDENCE = "INSUFFICIENT_EVIDENCE"

# The longest quote a marker may hold; what runs on without a closing bracket is text.
MAX_MARKER = 2000
OPENING = re.compile(r"\[\s*\d{1,3}\s*:\s*[\"'“”„‘«]")
# A prefix of OPENING: what may still become a marker when more text arrives.
PARTIAL_OPENING = re.compile(r"\[\s*(\d{1,3}\s*(:\s*)?)?\Z")
# The quote may itself hold quotation marks and brackets: a marker ends at a mark followed by "]".
MARKER = re.compile(r"\[\s*(\d{1,3})\s*:\s*[\"'“”„‘«](.*?)[\"'“”’»]\s*\]", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Marker:
    """`passage` counts from 1, as in the prompt."""

    passage: int
    quote: str


class MarkerParser:
    """Splits a stream of text into plain text and markers; a marker may arrive in pieces."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> Iterator[str | Marker]:
        held, position = self._held + text, 0
        try:
            while position < len(held):
                piece, end = _next(held, position)
                if piece is None:
                    return
                position = end
                yield piece
        finally:
            self._held = held[position:]

    def close(self) -> Iterator[str | Marker]:
        """What was held back: half a marker is dropped, anything else is text."""
        held, self._held = self._held, ""
        if held and not OPENING.match(held):
            yield held


def _next(held: str, position: int) -> tuple[str | Marker | None, int]:
    """The piece that begins there and where it ends; None: more text must tell."""
    bracket = held.find("[", position)
    if bracket != position:
        end = len(held) if bracket < 0 else bracket
        return held[position:end], end
    if match := MARKER.match(held, position, position + MAX_MARKER):
        return Marker(passage=int(match[1]), quote=match[2]), match.end()
    waits = OPENING.match(held, position) and len(held) - position < MAX_MARKER
    if waits or PARTIAL_OPENING.match(held, position):
        return None, position
    return "[", position + 1
