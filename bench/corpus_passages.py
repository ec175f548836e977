"""From paragraphs to passages of about a thousand characters, and from those to documents."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from bench.corpus_files import Page

CHARACTERS: Final = 1_000
PASSAGES_A_DOCUMENT: Final = 20
_FEWEST_CHARACTERS: Final = 40
_FEWEST_LETTERS: Final = 0.6
_SENTENCE_END: Final = re.compile(r"[.!?…]\s|\n")


@dataclass(frozen=True, kw_only=True)
class Passage:
    text: str
    language: str
    document: str


@dataclass(kw_only=True)
class Paragraphs:
    """Lets each paragraph through once, whatever its case and spaces, and only those that are prose."""

    _seen: set[bytes] = field(default_factory=set)

    def new(self, paragraphs: Iterable[str]) -> Iterator[str]:
        for paragraph in paragraphs:
            if not is_prose(paragraph):
                continue
            digest = hashlib.blake2b(" ".join(paragraph.casefold().split()).encode(), digest_size=8).digest()
            if digest not in self._seen:
                self._seen.add(digest)
                yield paragraph


def is_prose(paragraph: str) -> bool:
    """Long enough, and letters and spaces more than the rest: no rows of figures, no rules."""
    if len(paragraph) < _FEWEST_CHARACTERS:
        return False
    letters = sum(map(str.isalpha, paragraph)) + paragraph.count(" ")
    return letters >= _FEWEST_LETTERS * len(paragraph)


def passages(package: str, pages: Iterable[Page], paragraphs: Paragraphs) -> Iterator[Passage]:
    """The package's text in the order of its pages, one stream a language, cut into documents."""
    streams: dict[str, _Stream] = {}
    for page in pages:
        stream = streams.setdefault(page.language, _Stream(name=f"{package}-{page.language}"))
        for text in stream.add(paragraphs.new(page.paragraphs)):
            yield Passage(text=text, language=page.language, document=stream.document())


@dataclass(kw_only=True)
class _Stream:
    name: str
    _text: str = ""
    _count: int = 0

    def add(self, paragraphs: Iterable[str]) -> Iterator[str]:
        for paragraph in paragraphs:
            self._text += f"\n\n{paragraph}" if self._text else paragraph
            while len(self._text) >= CHARACTERS:
                end = _cut(self._text)
                passage, self._text = self._text[:end].strip(), self._text[end:].strip()
                self._count += 1
                yield passage

    def document(self) -> str:
        """Of the passage that came last."""
        return f"{self.name}-{(self._count - 1) // PASSAGES_A_DOCUMENT:05d}"


def halves(text: str) -> tuple[str, str]:
    """Cut after the sentence that ends nearest to the middle, or at a space."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text)] or [text.find(" ", len(text) // 2) + 1]
    middle = min(ends, key=lambda end: abs(end - len(text) / 2))
    return text[:middle], text[middle:]


def _cut(text: str) -> int:
    """Where a passage that begins this text ends: after a sentence near CHARACTERS, else at a space."""
    window = text[: round(CHARACTERS * 1.2)]
    ends = [match.end() for match in _SENTENCE_END.finditer(window) if match.end() >= CHARACTERS * 0.8]
    if ends:
        return min(ends, key=lambda end: abs(end - CHARACTERS))
    space = window.rfind(" ", CHARACTERS // 2)
    return space if space > 0 else len(window)
