"""What is made of the passages before a database sees them: vectors and analysed terms, kept in a folder."""

import hashlib
import json
import time
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.corpus_passages import Passage
from bench.search_vectors import DIMENSIONS, HalfMatrix, embed
from rag.text.term_codes import counted_codes
from rag.text.terms import analyse

_WINDOW: Final = 2_000
_PROCESSES: Final = 2
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """`codes[bounds[i] : bounds[i + 1]]` are the counted term codes of passage i; `vectors[i]` is its vector.

    `seconds`: what embedding and analysing took, on two processes.
    """

    vectors: HalfMatrix
    codes: Codes
    bounds: Codes
    seconds: float

    def terms(self, passage: int) -> "array[int]":
        return array("q", self.codes[self.bounds[passage] : self.bounds[passage + 1]].tobytes())


def prepare(passages: Sequence[Passage], folder: Path) -> Prepared:
    """Reads what the folder has; makes it where it has nothing."""
    note = folder / "prepared.json"
    if not note.exists():
        folder.mkdir(parents=True, exist_ok=True)
        started = time.perf_counter()
        _make(passages, folder)
        seconds = time.perf_counter() - started
        note.write_text(json.dumps({"seconds": seconds, "sample": _sample(passages)}))
    known = json.loads(note.read_text())
    if known["sample"] != _sample(passages):
        raise ValueError(f"{folder} was made of other passages, or analysed otherwise: remove it")
    vectors: Any = np.memmap(folder / "vectors.f16", np.float16, "r").reshape(-1, DIMENSIONS)
    if len(vectors) != len(passages):
        raise ValueError(f"{folder} was made for {len(vectors)} passages, not for {len(passages)}")
    return Prepared(
        vectors=vectors,
        codes=np.fromfile(folder / "codes.i64", np.int64),
        bounds=np.fromfile(folder / "bounds.i64", np.int64),
        seconds=float(known["seconds"]),
    )


def _sample(passages: Sequence[Passage]) -> str:
    """Another one where text, vectors or terms changed."""
    vectors, codes, _ = _embed_and_analyse([passages[0], passages[-1]])
    return hashlib.sha256(vectors + codes).hexdigest()


def _make(passages: Sequence[Passage], folder: Path) -> None:
    counts = [0]
    with (
        (folder / "vectors.f16").open("wb") as vectors,
        (folder / "codes.i64").open("wb") as codes,
        ProcessPoolExecutor(_PROCESSES) as executor,
    ):
        for window in _windows(passages):
            for made in executor.map(_embed_and_analyse, window):
                vectors.write(made[0])
                codes.write(made[1])
                counts += made[2]
    np.cumsum(counts).tofile(folder / "bounds.i64")


def _windows(passages: Sequence[Passage]) -> Iterator[list[Sequence[Passage]]]:
    """A few tasks at a time: the executor would copy all passages at once."""
    step = _WINDOW * _PROCESSES * 4
    for start in range(0, len(passages), step):
        starts = range(start, min(start + step, len(passages)), _WINDOW)
        yield [passages[begin : begin + _WINDOW] for begin in starts]


def _embed_and_analyse(passages: Sequence[Passage]) -> tuple[bytes, bytes, list[int]]:
    vectors = embed([passage.text for passage in passages])
    codes = [analysed(passage) for passage in passages]
    return vectors.tobytes(), b"".join(terms.tobytes() for terms in codes), [len(terms) for terms in codes]


def analysed(passage: Passage) -> "array[int]":
    return counted_codes(Counter(analyse(passage.text, passage.language)))
