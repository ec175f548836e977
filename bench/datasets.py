"""Reads a retrieval set: corpus.jsonl, queries.jsonl and qrels.tsv in one folder."""

import csv
import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class DatasetDocument:
    id: str
    title: str | None
    text: str


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """`queries` by id; `qrels` by query id, then by document id, relevant (greater than 0) ones only."""

    name: str
    documents: tuple[DatasetDocument, ...]
    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]

    @property
    def judged_queries(self) -> dict[str, str]:
        return {query: text for query, text in self.queries.items() if self.qrels.get(query)}


def load(directory: Path) -> Dataset:
    documents = tuple(
        DatasetDocument(id=line["_id"], title=line.get("title") or None, text=line["text"])
        for line in read_jsonl(directory / "corpus.jsonl")
    )
    return Dataset(
        name=directory.resolve().name,
        documents=documents,
        queries={line["_id"]: line["text"] for line in read_jsonl(directory / "queries.jsonl")},
        qrels=_qrels(directory / "qrels.tsv"),
    )


def asked_by_title(dataset: Dataset, count: int) -> Dataset:
    """Questions to choose settings by, none of which is reported: a title, which its document then lacks.

    `count` of the titles that only one document has.
    """
    bearers = Counter(document.title for document in dataset.documents)
    alone = [each for each in dataset.documents if each.title and bearers[each.title] == 1]
    chosen = sample(alone, count)
    return Dataset(
        name=dataset.name,
        documents=tuple(replace(document, title=None) for document in dataset.documents),
        queries={document.id: document.title or "" for document in chosen},
        qrels={document.id: {document.id: 1} for document in chosen},
    )


def read_jsonl(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


def _qrels(path: Path) -> dict[str, dict[str, int]]:
    """A header line, then query id, document id and grade, separated by tabs."""
    qrels: dict[str, dict[str, int]] = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for query, document, grade in list(csv.reader(lines, delimiter="\t"))[1:]:
            if int(grade) > 0:
                qrels.setdefault(query, {})[document] = int(grade)
    return qrels


def sample(items: Sequence[T], count: int | None) -> tuple[T, ...]:
    """That many of them, the same ones each time; all where `count` is None."""
    if count is None or count >= len(items):
        return tuple(items)
    return tuple(random.Random(0).sample(list(items), count))
