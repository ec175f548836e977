"""The texts of the public retrieval sets as passages, cut like the rest."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from bench.corpus_files import Page
from bench.corpus_passages import Paragraphs, Passage, passages
from bench.datasets import load

SETS: Final = Path(__file__).parents[2] / "shared" / "data"
# The language of each.
NAMES: Final[Mapping[str, str]] = {"clapnq_dev": "en", "scifact": "en", "faquad_pt": "pt"}


def set_passages(sets: Path, paragraphs: Paragraphs) -> Iterator[Passage]:
    """Of the sets that are there."""
    for name, language in NAMES.items():
        if (sets / name).exists():
            yield from passages(f"set-{name}", _pages(sets / name, language), paragraphs)


def _pages(folder: Path, language: str) -> Iterator[Page]:
    for document in load(folder).documents:
        titled = [document.title] if document.title else []
        yield Page(path=document.id, language=language, paragraphs=(*titled, *document.text.split("\n\n")))
