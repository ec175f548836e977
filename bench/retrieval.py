"""Retrieval quality of each mode through the real write path and store.

Documents are ranked by their best chunk. nDCG@10 with the gain of the grade itself, as trec_eval does it.
"""

import argparse
import json
import math
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.retrieve import Retriever
from bench.datasets import Dataset, asked_by_title, load, sample
from bench.local import TENANT, document_id, ingest, temporary_backend
from rag.domain.documents import Chunking
from rag.domain.search import SearchMode, SearchRequest

# Chunks asked for, so that a hundred different documents are among them.
CHUNKS = 200
MODES = (SearchMode.KEYWORD, SearchMode.SEMANTIC, SearchMode.HYBRID)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one query found: ids of documents, best first, and how long it took."""

    ranking: tuple[str, ...]
    milliseconds: float


def main() -> None:
    arguments = _arguments()
    dataset = load(arguments.data)
    if arguments.titles:
        dataset = asked_by_title(dataset, arguments.titles)
    queries = dict(sample(list(dataset.judged_queries.items()), arguments.queries))
    started = time.perf_counter()
    with temporary_backend() as backend:
        collection = ingest(backend, dataset, Chunking(max_tokens=arguments.max_tokens))
        ingested = time.perf_counter() - started
        retriever = Retriever(store=backend.store.tenant(TENANT), embedder=backend.embedder)
        modes = {mode.value: _measure(retriever, collection, dataset, queries, mode) for mode in MODES}
    report = {
        "dataset": dataset.name,
        "documents": len(dataset.documents),
        "queries": len(queries),
        "ingest_s": round(ingested, 1),
        "modes": modes,
    }
    print(json.dumps(report) if arguments.json else _table(report))


def _measure(
    retriever: Retriever, collection: str, dataset: Dataset, queries: Mapping[str, str], mode: SearchMode
) -> dict[str, float]:
    outcomes = {query: _search(retriever, collection, text, mode) for query, text in queries.items()}
    rankings = [(outcome.ranking, dataset.qrels[query]) for query, outcome in outcomes.items()]
    return {
        "ndcg@10": round(_mean(ndcg(ranking, grades, 10) for ranking, grades in rankings), 4),
        "recall@10": round(_mean(recall(ranking, grades, 10) for ranking, grades in rankings), 4),
        "recall@100": round(_mean(recall(ranking, grades, 100) for ranking, grades in rankings), 4),
        "p50_ms": round(statistics.median(outcome.milliseconds for outcome in outcomes.values()), 1),
    }


def _search(retriever: Retriever, collection: str, text: str, mode: SearchMode) -> Outcome:
    request = SearchRequest(query=text, collections=(collection,), mode=mode, top_k=CHUNKS)
    started = time.perf_counter()
    passages = retriever.retrieve(request).passages
    milliseconds = (time.perf_counter() - started) * 1000
    ranking = dict.fromkeys(document_id(passage.document.key) for passage in passages)
    return Outcome(ranking=tuple(ranking), milliseconds=milliseconds)


def ndcg(ranking: Sequence[str], grades: Mapping[str, int], depth: int) -> float:
    """Normalised discounted cumulative gain, Järvelin and Kekäläinen 2002."""
    gains = [grades.get(document, 0) for document in ranking[:depth]]
    ideal = sorted(grades.values(), reverse=True)[:depth]
    return _discounted(gains) / _discounted(ideal)


def recall(ranking: Sequence[str], grades: Mapping[str, int], depth: int) -> float:
    return sum(document in grades for document in ranking[:depth]) / len(grades)


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(rank + 2) for rank, gain in enumerate(gains))


def _mean(values: Iterable[float]) -> float:
    return statistics.fmean(values)


def _table(report: Mapping[str, Any]) -> str:
    title = f"{report['dataset']}: {report['documents']} documents, {report['queries']} queries"
    names = ("ndcg@10", "recall@10", "recall@100", "p50_ms")
    lines = [f"{'mode':<10}" + "".join(f"{name:>12}" for name in names)]
    for mode, figures in report["modes"].items():
        lines.append(f"{mode:<10}" + "".join(f"{figures[name]:>12}" for name in names))
    return "\n".join([title, *lines])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.retrieval", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of one retrieval set")
    parser.add_argument("--queries", type=int, help="this many queries only, the same ones each time")
    parser.add_argument(
        "--titles",
        type=int,
        metavar="COUNT",
        help="ask for so many titles instead, which the documents then lack: to choose settings by",
    )
    parser.add_argument(
        "--max-tokens", type=int, default=Chunking().max_tokens, help="of a chunk (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
