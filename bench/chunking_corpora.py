"""The texts and questions of Chroma's chunking evaluation, measured in tokens of the bundled model."""

import csv
import json
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

_TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"


class Span(NamedTuple):
    """Half-open; of code points, or of tokens."""

    start: int
    end: int


class Question(NamedTuple):
    """`excerpts`: the tokens of the corpus that answer it."""

    text: str
    corpus: str
    excerpts: Sequence[Span]


class Corpus:
    """Finds the tokens of a span, also of a text that a reader has changed in its white space."""

    def __init__(self, body: bytes, tokenizer: Tokenizer) -> None:
        self.body = body
        self.text = body.decode()
        letters = _letters(self.text)
        offsets = tokenizer.encode(self.text, add_special_tokens=False).offsets
        tokens = [(int(letters[start]), int(letters[end])) for start, end in offsets]
        # Of white space alone there is nothing to retrieve.
        self._starts, self._ends = zip(*[token for token in tokens if token[0] < token[1]], strict=True)

    def tokens(self, spans: Sequence[Span], *, of: str) -> list[Span]:
        """Those that each span of the text `of` touches. Raises ValueError for another text than this one."""
        if "".join(of.split()) != "".join(self.text.split()):
            raise ValueError("the texts differ in more than white space")
        letters = _letters(of)
        return [
            Span(bisect_right(self._ends, letters[start]), bisect_left(self._starts, letters[end]))
            for start, end in spans
        ]


def _letters(text: str) -> npt.NDArray[np.int64]:
    """How many characters other than white space stand before each offset."""
    seen = np.fromiter((not character.isspace() for character in text), dtype=np.int64, count=len(text))
    return np.concatenate(([0], np.cumsum(seen)))


def load_corpora(folder: Path) -> dict[str, Corpus]:
    tokenizer = _tokenizer()
    return {
        path.stem: Corpus(path.read_bytes(), tokenizer) for path in sorted((folder / "corpora").glob("*.md"))
    }


def load_questions(folder: Path, corpora: Mapping[str, Corpus]) -> list[Question]:
    with (folder / "questions_df.csv").open(encoding="utf-8", newline="") as lines:
        return [_question(row, corpora[row["corpus_id"]]) for row in csv.DictReader(lines)]


def _question(row: Mapping[str, str], corpus: Corpus) -> Question:
    spans = [Span(each["start_index"], each["end_index"]) for each in json.loads(row["references"])]
    return Question(row["question"], row["corpus_id"], corpus.tokens(spans, of=corpus.text))


def _tokenizer() -> Tokenizer:
    package = find_spec("wordllama")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("wordllama")
    return Tokenizer.from_file(str(Path(package.origin).parent / _TOKENIZER))
