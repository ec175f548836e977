"""A chat model's marked text as deltas without markers and claims about what they prove."""

import re
from collections.abc import Iterator

from rag.domain.answers import Claim, TextDelta
from rag.text.markers import INSUFFICIENT_EVIDENCE, Marker, MarkerParser

_FIRST = re.compile(r"[^\s.,;:!?)\]]")
_CLOSING = ".,;:!?)"


class MarkedText:
    """A marker claims the text since the marker before it; a second one in a row, the same text."""

    def __init__(self) -> None:
        self._parser = MarkerParser()
        self._length = 0
        self._space = ""
        self._after_marker = False
        self._claimable: int | None = None  # where the text since the last marker begins
        self._claimed: tuple[int, int] | None = None

    def feed(self, text: str) -> Iterator[TextDelta | Claim]:
        yield from self._events(self._parser.feed(text))

    def close(self) -> Iterator[TextDelta | Claim]:
        yield from self._events(self._parser.close())

    def _events(self, pieces: Iterator[str | Marker]) -> Iterator[TextDelta | Claim]:
        for piece in pieces:
            yield from self._claim(piece) if isinstance(piece, Marker) else self._text(piece)

    def _claim(self, marker: Marker) -> Iterator[Claim]:
        self._after_marker = True
        if self._claimable is not None:
            self._claimed = (self._claimable, self._length)
            self._claimable = None
        if self._claimed is not None:
            start, end = self._claimed
            yield Claim(start=start, end=end, passage=marker.passage - 1, quote=marker.quote)

    def _text(self, piece: str) -> Iterator[TextDelta]:
        """White space waits for what follows: none stands before a full stop or at the end."""
        text = self._space + piece
        words = text.strip()
        if not words:
            self._space = text
            return
        before = self._spacing(text[: len(text) - len(text.lstrip())], words)
        self._space = text[len(text.rstrip()) :]
        self._after_marker = False
        first = _FIRST.search(words)
        if self._claimable is None and first is not None:
            self._claimable = self._length + len(before) + first.start()
        self._length += len(before) + len(words)
        yield TextDelta(text=before + words)

    def _spacing(self, space: str, words: str) -> str:
        """The white space on both sides of a marker is that of one gap."""
        if self._length == 0 or (self._after_marker and words[0] in _CLOSING):
            return ""
        if not self._after_marker or not space:
            return space
        return "\n" * min(2, space.count("\n")) or " "


def without_abstention(texts: Iterator[str]) -> Iterator[str]:
    """The texts, or nothing where they begin with the word that says the evidence is insufficient."""
    held = ""
    for text in texts:
        held += text
        said = held.lstrip(" \n*`\"'")
        if said.startswith(INSUFFICIENT_EVIDENCE):
            return
        if not INSUFFICIENT_EVIDENCE.startswith(said):
            yield held
            break
    else:
        yield held
        return
    yield from texts
