"""The passages that are indexed, and the questions that are asked of them.

Passages: the first N of a `chunks.jsonl` (`python -m bench.corpus`), or of the public sets and the text files
of any folder. Where these have fewer, halves of two passages make another, and the report says how many.
Questions are of 3 to 60 words, in English and Portuguese, drawn by a fixed seed:
- sentences of the passages that follow the first N: they are not in the index, their neighbours may be;
- lines that stand above a paragraph in those passages, most of them headings, as people type key words;
- people's questions: bench/questions_pt.jsonl, and the public sets in ../shared/data where that folder is.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Final, TypeVar

from bench.corpus_files import read_folder
from bench.corpus_passages import PASSAGES_A_DOCUMENT, Paragraphs, Passage, halves, passages
from bench.corpus_sets import NAMES, SETS, set_passages
from bench.datasets import read_jsonl

T = TypeVar("T")

SEED: Final = 7
HELD_OUT: Final = 4_000
_WORDS: Final = range(3, 61)
_LETTERS: Final = 0.8  # what is less is code
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+(?=[A-ZÀ-Ý])|\n\n")
_HEADING: Final = re.compile(r"[^\W\d_][^=<>(){}\[\];#*|]{8,78}[^\W\d_]")


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """`held_out` is indexed nowhere. The last `recombined` passages are made of halves of others."""

    passages: Sequence[Passage]
    held_out: Sequence[Passage]
    recombined: int = 0


@dataclass(frozen=True, kw_only=True)
class Question:
    """`kind`: sentence, heading or asked."""

    text: str
    kind: str


def read_corpus(source: Path, count: int, *, sets: Path = SETS) -> Corpus:
    """Raises ValueError where there is too little text to ask about."""
    found = list(islice(_passages(source, sets), count + HELD_OUT))
    own = min(count, len(found) - HELD_OUT // 4 - PASSAGES_A_DOCUMENT)
    if own <= 0:
        raise ValueError(
            f"{source} has {len(found)} passages, and {HELD_OUT // 4} for questions are needed."
            f" Make more: python -m bench.corpus --target FOLDER --chunks {count + HELD_OUT}"
        )
    made = list(islice(recombined(found[:own]), count - own))
    if len(made) < count - own:
        raise ValueError(f"{own} passages of {source} cannot be recombined to {count}: give more text")
    held_out = found[_end_of_document(found, own) :]
    return Corpus(passages=[*found[:own], *made], held_out=held_out, recombined=len(made))


def recombined(found: Sequence[Passage]) -> Iterator[Passage]:
    """First halves with second halves of other passages of the language, each pair once, by a fixed seed."""
    source = random.Random(SEED)
    by_language = {
        language: [halves(passage.text) for passage in found if passage.language == language]
        for language in sorted({passage.language for passage in found})
    }
    weights = [len(parts) for parts in by_language.values()]
    pairs: set[tuple[str, int, int]] = set()
    for _ in range(len(found) ** 2):
        [language] = source.choices(list(by_language), weights)
        parts = by_language[language]
        first, second = source.randrange(len(parts)), source.randrange(len(parts))
        if first != second and (language, first, second) not in pairs:
            document = f"recombined-{len(pairs) // PASSAGES_A_DOCUMENT:06d}"
            pairs.add((language, first, second))
            yield Passage(text=parts[first][0] + parts[second][1], language=language, document=document)


def _end_of_document(found: Sequence[Passage], count: int) -> int:
    """Where the document of passage number `count` ends: its other half would be too near."""
    end = count
    while 0 < end < len(found) and found[end].document == found[count - 1].document:
        end += 1
    return end


def _passages(source: Path, sets: Path) -> Iterator[Passage]:
    file = source / "chunks.jsonl" if source.is_dir() else source
    if file.exists():
        return (Passage(**line) for line in read_jsonl(file))
    paragraphs = Paragraphs()
    return chain(set_passages(sets, paragraphs), passages(source.name, read_folder(source), paragraphs))


def make_questions(corpus: Corpus, count: int, shared: Path = SETS) -> list[Question]:
    """A third of each kind, as far as there are so many; of what comes from passages a third Portuguese."""
    source = random.Random(SEED)
    third = count // 3
    asked = _sampled(source, _asked(shared), third)
    headings = _in_both(source, corpus.held_out, third, kind="heading")
    sentences = _in_both(source, corpus.held_out, count - len(asked) - len(headings), kind="sentence")
    questions = list(dict.fromkeys([*asked, *headings, *sentences]))
    source.shuffle(questions)
    return questions


def _in_both(source: random.Random, held_out: Sequence[Passage], count: int, *, kind: str) -> list[Question]:
    texts: Mapping[str, list[str]] = {"pt": [], "en": []}
    for passage in held_out:
        texts[passage.language].extend(_KINDS[kind](passage.text))
    portuguese = _sampled(source, texts["pt"], count // 3)
    english = _sampled(source, texts["en"], count - len(portuguese))
    return [Question(text=text, kind=kind) for text in (*portuguese, *english)]


def _sampled(source: random.Random, items: Sequence[T], count: int) -> list[T]:
    distinct = list(dict.fromkeys(items))
    return source.sample(distinct, min(count, len(distinct)))


def sentences(text: str) -> list[str]:
    found = (" ".join(part.split()) for part in _SENTENCE.split(text))
    return [sentence for sentence in found if sentence.endswith((".", "?", "!")) and _is_question(sentence)]


def headings(text: str) -> list[str]:
    """Short lines of words, above a longer line."""
    return [
        line
        for line, below in pairwise(text.split("\n"))
        if _HEADING.fullmatch(line) and len(below) > len(line) and _is_question(line)
    ]


def _is_question(text: str) -> bool:
    letters = sum(map(str.isalpha, text)) + text.count(" ")
    return len(text.split()) in _WORDS and letters >= _LETTERS * len(text)


_KINDS: Final = {"sentence": sentences, "heading": headings}


def _asked(shared: Path) -> list[Question]:
    files = [shared / name / "queries.jsonl" for name in NAMES]
    files.append(Path(__file__).with_name("questions_pt.jsonl"))
    texts = [str(line["text"]) for file in files if file.exists() for line in read_jsonl(file)]
    return [Question(text=text, kind="asked") for text in texts if len(text.split()) in _WORDS]
