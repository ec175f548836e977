"""Chunks of the default chunker beside LangChain's, by the tokens that retrieval brings of those wanted.

The measure is Chroma's ("Evaluating chunking strategies", 2024): questions with excerpts that answer them,
cosines over the chunks of all texts, then recall, precision and intersection over union of the tokens of the
first k chunks. The same embedding model, limit of size and k for every chunker; nothing overlaps. What the
chunkers differ by is a mean over the same questions, with the interval that holds it 95 times of 100.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from statistics import fmean
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.chunking_corpora import Corpus, Question, Span, load_corpora, load_questions
from ingestion.chunk import chunk
from ingestion.chunk_size import longest_chunk
from ingestion.parse.reader import parse
from rag.adapters.local.wordllama import WordLlamaEmbedder
from rag.domain.documents import Chunking
from rag.ports import Embedder

_SIZES: Final = (200, Chunking().max_tokens, 800)
_DEPTHS: Final = (1, 3, 5, 10)
# As in Chroma's own runs; LangChain's default separators have no sentence ends.
_SENTENCE_ENDS: Final = ["\n\n", "\n", ".", "?", "!", " ", ""]

# A corpus's text as the chunker reads it, and the spans of its chunks there.
Cut = tuple[str, Sequence[Span]]
Cutter = Callable[[bytes, int], Cut]
# A row a question: recall, precision, intersection over union.
Scores = NDArray[np.float64]
_OURS: Final = "acervo"


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A chunk: its corpus, and the tokens of it."""

    corpus: str
    tokens: Span


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Means over the questions; `tokens` is the mean of a chunk."""

    chunker: str
    size: int
    k: int
    chunks: int
    tokens: float
    recall: float
    precision: float
    iou: float


@dataclass(frozen=True, kw_only=True)
class Difference:
    """By how much the default chunker is above another, and by how much that may be wrong."""

    chunker: str
    size: int
    k: int
    recall: float
    recall_error: float
    precision: float
    precision_error: float


def main() -> None:
    arguments = _arguments()
    embedder = WordLlamaEmbedder()
    corpora = load_corpora(arguments.data)
    questions = load_questions(arguments.data, corpora)
    asked = np.asarray(embedder.embed_documents([question.text for question in questions]))
    figures: list[Figures] = []
    scores: dict[tuple[int, int, str], Scores] = {}
    for size in arguments.sizes:
        for chunker, cutter in _cutters(embedder).items():
            pieces, texts = _cut(cutter, size, corpora)
            order = np.argsort(-asked @ np.asarray(embedder.embed_documents(texts)).T, axis=1, kind="stable")
            for k in arguments.depths:
                found = [[pieces[index] for index in row[:k]] for row in order]
                scored = np.asarray([_score(*pair) for pair in zip(questions, found, strict=True)])
                scores[size, k, chunker] = scored
                figures.append(_figures(chunker, size, k, pieces, scored))
    differences = _differences(scores)
    if arguments.json:
        named = {"figures": [*map(asdict, figures)], "differences": [*map(asdict, differences)]}
        print(json.dumps(named))
    else:
        print(_table(figures), _difference_table(differences), sep="\n\n")


def _cutters(embedder: Embedder) -> Mapping[str, Cutter]:
    return {
        _OURS: partial(_acervo, embedder),
        "langchain": partial(_langchain, embedder, None),
        "langchain, sentence ends": partial(_langchain, embedder, _SENTENCE_ENDS),
    }


def _acervo(embedder: Embedder, body: bytes, size: int) -> Cut:
    extracted = parse(body, name="corpus.txt")
    chunks = chunk(
        extracted,
        Chunking(max_tokens=size),
        most_tokens=longest_chunk(embedder),
        count_tokens=embedder.count_tokens,
    )
    return extracted.text, [Span(each.start, each.end) for each in chunks]


def _langchain(embedder: Embedder, separators: list[str] | None, body: bytes, size: int) -> Cut:
    splitter = import_module("langchain_text_splitters").RecursiveCharacterTextSplitter(
        separators=separators,
        chunk_size=size,
        chunk_overlap=0,
        length_function=lambda text: embedder.count_tokens([text])[0],
        add_start_index=True,
    )
    text = body.decode()
    found = splitter.create_documents([text])
    starts: list[int] = [each.metadata["start_index"] for each in found]
    return text, [
        Span(start, start + len(each.page_content)) for start, each in zip(starts, found, strict=True)
    ]


def _cut(cutter: Cutter, size: int, corpora: Mapping[str, Corpus]) -> tuple[list[Piece], list[str]]:
    """All chunks of all corpora, and their texts."""
    pieces: list[Piece] = []
    texts: list[str] = []
    for name, corpus in corpora.items():
        text, spans = cutter(corpus.body, size)
        pieces += [Piece(corpus=name, tokens=tokens) for tokens in corpus.tokens(spans, of=text)]
        texts += [text[start:end] for start, end in spans]
    return pieces, texts


def _figures(chunker: str, size: int, k: int, pieces: Sequence[Piece], scored: Scores) -> Figures:
    recall, precision, iou = scored.mean(axis=0).round(4).tolist()
    return Figures(
        chunker=chunker,
        size=size,
        k=k,
        chunks=len(pieces),
        tokens=round(fmean(piece.tokens.end - piece.tokens.start for piece in pieces), 1),
        recall=recall,
        precision=precision,
        iou=iou,
    )


def _differences(scores: Mapping[tuple[int, int, str], Scores]) -> list[Difference]:
    return [
        _difference(chunker, size, k, scores[size, k, _OURS] - scored)
        for (size, k, chunker), scored in scores.items()
        if chunker != _OURS
    ]


def _difference(chunker: str, size: int, k: int, apart: Scores) -> Difference:
    """`apart` of each question."""
    means = apart.mean(axis=0).round(4).tolist()
    errors = (1.96 * apart.std(axis=0, ddof=1) / np.sqrt(len(apart))).round(4).tolist()
    return Difference(
        chunker=chunker,
        size=size,
        k=k,
        recall=means[0],
        recall_error=errors[0],
        precision=means[1],
        precision_error=errors[1],
    )


def _score(question: Question, found: Sequence[Piece]) -> tuple[float, float, float]:
    """Recall, precision, intersection over union."""
    wanted = {token for span in question.excerpts for token in range(*span)}
    retrieved = [(piece.corpus, token) for piece in found for token in range(*piece.tokens)]
    right = len({token for corpus, token in retrieved if corpus == question.corpus} & wanted)
    brought = len(set(retrieved))
    return right / len(wanted), right / brought, right / (len(wanted) + brought - right)


def _table(figures: Sequence[Figures]) -> str:
    columns = ("chunker", "chunks", "tokens a chunk", "recall", "precision", "IoU")
    return _by_size(
        columns,
        {
            (each.size, each.k, each.chunker): f"{each.chunks:,} | {each.tokens:.0f}"
            f" | {each.recall:.3f} | {each.precision:.4f} | {each.iou:.4f}"
            for each in figures
        },
    )


def _difference_table(differences: Sequence[Difference]) -> str:
    return _by_size(
        ("acervo above", "recall", "precision"),
        {
            (each.size, each.k, each.chunker): f"{each.recall:+.3f} ± {each.recall_error:.3f}"
            f" | {each.precision:+.4f} ± {each.precision_error:.4f}"
            for each in differences
        },
    )


def _by_size(columns: Sequence[str], cells: Mapping[tuple[int, int, str], str]) -> str:
    """Rows by size, then by k; `columns` are the chunker's and what stands in its cells."""
    head = f"| size | k | {' | '.join(columns)} |\n|--:|--:|---|{'--:|' * (len(columns) - 1)}"
    rows = (
        f"| {size} | {k} | {chunker} | {figures} |"
        for (size, k, chunker), figures in sorted(cells.items(), key=lambda cell: cell[0][:2])
    )
    return "\n".join((head, *rows))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.chunking", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder chunking_evaluation")
    parser.add_argument("--sizes", type=int, nargs="+", default=_SIZES, help="limits of a chunk in tokens")
    parser.add_argument("--depths", type=int, nargs="+", default=_DEPTHS, help="chunks retrieved a question")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
