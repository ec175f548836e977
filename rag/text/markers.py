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
        self._held += text
        while self._held:
            piece, rest = _split(self._held)
            if piece is None:
                return
            self._held = rest
            yield piece

    def close(self) -> Iterator[str | Marker]:
        """What was held back: half a marker is dropped, anything else is text."""
        held, self._held = self._held, ""
        if held and not OPENING.match(held):
            yield held


def _split(held: str) -> tuple[str | Marker | None, str]:
    """The first piece that is decided and the rest; None: more text is needed."""
    bracket = held.find("[")
    if bracket != 0:
        cut = len(held) if bracket < 0 else bracket
        return held[:cut], held[cut:]
    if match := MARKER.match(held):
        return Marker(passage=int(match[1]), quote=match[2]), held[match.end() :]
    if PARTIAL_OPENING.match(held) or (OPENING.match(held) and len(held) < MAX_MARKER):
        return None, held
    return held[0], held[1:]
