"""From the files of an unpacked package to paragraphs with their language."""

import gzip
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from lxml import etree

from bench.datasets import read_jsonl
from ingestion.parse.reader import parse
from rag.domain.content import BlockKind, ExtractedText
from rag.errors import CorruptDocument, DocumentRejected
from rag.text.language import detect_language

LANGUAGES: Final = frozenset(["en", "pt"])
_MOST_BYTES: Final = 20_000_000
_MAN_PAGE: Final = re.compile(r"\.[1-9][a-z]*\.gz$")
# Other forms of pages that the package holds too, and lists of names.
_SKIPPED: Final = re.compile(
    r"/(_sources|_modules|src|licenses?)/|/genindex|/copyright$|/changelog|/license|/classes\.html$|/index-|-use[/.]",
    re.IGNORECASE,
)

# What roff says about fonts and characters, then the escapes that stand for a character.
_ROFF_FONT: Final = re.compile(r"\\[f*](?:\[[^\]]*\]|\(..|.)|\\s[+-]?\d|\\[&%|^/,:]")
_ROFF_CHARACTERS: Final = (
    ("\\-", "-"),
    ("\\(bu", "•"),
    ("\\(aq", "'"),
    ("\\(em", "—"),
    ("\\e", "\\"),
    ("\\ ", " "),
)
_ROFF_TEXT: Final = frozenset(["B", "I", "BR", "IR", "RB", "RI", "BI", "IB", "SM"])


@dataclass(frozen=True, kw_only=True)
class Page:
    """One file's text. `path` within its package."""

    path: str
    language: str
    paragraphs: tuple[str, ...]


def read_pages(folder: Path) -> Iterator[Page | DocumentRejected]:
    """The pages in English or Portuguese, by path; what our readers refuse comes as its reason."""
    for file in sorted(folder.rglob("*")):
        path = f"/{file.relative_to(folder)}"
        reader = _reader(path)
        if reader is None or not file.is_file() or file.is_symlink():
            continue
        if file.stat().st_size > _MOST_BYTES:
            reader = _LARGE.get(file.suffix.lower())
            if reader is None:
                continue
        try:
            paragraphs = tuple(reader(file))
        except DocumentRejected as rejection:
            yield rejection
            continue
        language = detect_language("\n".join(paragraphs))
        if language in LANGUAGES and paragraphs:
            yield Page(path=path, language=language, paragraphs=paragraphs)


def read_folder(folder: Path) -> Iterator[Page]:
    """The pages that our readers can read."""
    return (page for page in read_pages(folder) if isinstance(page, Page))


_Reader = Callable[[Path], Iterator[str]]


def _reader(path: str) -> _Reader | None:
    if _SKIPPED.search(path):
        return None
    return _man_page if _MAN_PAGE.search(path) else _READERS.get(Path(path).suffix.lower())


def _document(file: Path) -> Iterator[str]:
    extracted = parse(file.read_bytes(), name=file.name)
    return _paragraphs(extracted)


def _paragraphs(extracted: ExtractedText) -> Iterator[str]:
    """Headings stand above the paragraph that follows them."""
    above = ""
    for block in extracted.blocks:
        text = extracted.text[block.start : block.end]
        if block.kind is BlockKind.HEADING:
            above = f"{text}\n"
        else:
            yield above + text
            above = ""


def _xml(file: Path) -> Iterator[str]:
    """Mallard and DocBook."""
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    root = etree.fromstring(file.read_bytes(), parser)
    if root is None:
        return
    above = ""
    for element in root.iter("{*}title", "{*}p", "{*}para"):
        text = " ".join("".join(element.itertext()).split())
        if str(element.tag).endswith("title"):
            above = f"{text}\n"
        elif text:
            yield above + text
            above = ""


def _man_page(file: Path) -> Iterator[str]:
    with gzip.open(file, "rt", encoding="utf-8", errors="replace") as lines:
        yield from roff_paragraphs(lines.read())


def roff_paragraphs(source: str) -> Iterator[str]:
    """The paragraphs of a manual page, without formatting."""
    words: list[str] = []
    for line in source.splitlines():
        macro, _, rest = line.lstrip(".'").partition(" ")
        if not line.startswith((".", "'")):
            words.append(_roff_text(line))
        elif macro in _ROFF_TEXT:
            words.append(_roff_text(rest.replace('"', "")))
        elif macro in {"SH", "SS", "PP", "P", "TP", "IP", "LP", "HP", "RE", "sp"} and words:
            yield " ".join(words)
            words = []
    yield " ".join(words)


def _roff_text(line: str) -> str:
    text = _ROFF_FONT.sub("", line)
    for escape, character in _ROFF_CHARACTERS:
        text = text.replace(escape, character)
    return text.strip()


def _plain(file: Path) -> Iterator[str]:
    """Text too large for a reader of documents."""
    with file.open(encoding="utf-8", errors="replace") as lines:
        for is_text, paragraph in groupby(lines, key=lambda line: bool(line.strip())):
            if is_text:
                yield "".join(paragraph).strip()


def _records(file: Path) -> Iterator[str]:
    """One JSON value a line: its strings of several words, one below the other."""
    try:
        for record in read_jsonl(file):
            values = record.values() if isinstance(record, dict) else [record]
            yield "\n".join(value for value in values if isinstance(value, str) and " " in value)
    except ValueError as error:
        raise CorruptDocument(f"{file}: {error}") from error


_READERS: Final[Mapping[str, _Reader]] = {
    **dict.fromkeys([".html", ".htm", ".xhtml", ".pdf", ".txt", ".md", ".docx", ".epub"], _document),
    ".jsonl": _records,
    **dict.fromkeys([".page", ".xml", ".docbook"], _xml),
}
_LARGE: Final[Mapping[str, _Reader]] = {".txt": _plain, ".jsonl": _records}
