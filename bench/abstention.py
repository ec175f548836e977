"""How often questions are left unanswered: against documents that cannot answer them, and their own.

`foreign` are the questions of faquad_pt asked of scifact, `own` the same asked of faquad_pt. No question
of these was used to fit the rule (see bench.fit_abstention).
"""

import argparse
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from app.answer import Answerer
from app.retrieve import Retriever
from bench.datasets import load, sample
from bench.local import TENANT, ingest, temporary_backend
from rag.domain.answers import AnswerRequest, AnswerStatus
from rag.domain.search import SearchRequest
from rag.ports import Backend


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Questions asked of one collection."""

    name: str
    collection: str
    questions: tuple[str, ...]


def main() -> None:
    arguments = _arguments()
    with temporary_backend() as backend:
        trials = list(_trials(backend, arguments.data, arguments.queries))
        rates = {trial.name: abstention_rate(backend, trial) for trial in trials}
    if arguments.json:
        print(json.dumps({name: round(rate, 4) for name, rate in rates.items()}))
    else:
        for name, rate in rates.items():
            print(f"{name:<8} {rate:6.1%} of the questions left unanswered")


def abstention_rate(backend: Backend, trial: Trial) -> float:
    answerer = _answerer(backend)
    with ThreadPoolExecutor(max_workers=2) as pool:
        abstained = list(pool.map(lambda question: _abstains(answerer, trial, question), trial.questions))
    return sum(abstained) / len(abstained)


def _abstains(answerer: Answerer, trial: Trial, question: str) -> bool:
    search = SearchRequest(query=question, collections=(trial.collection,))
    return answerer.answer(AnswerRequest(search=search)).status is not AnswerStatus.ANSWERED


def _answerer(backend: Backend) -> Answerer:
    store = backend.store.tenant(TENANT)
    retriever = Retriever(store=store, embedder=backend.embedder, reranker=backend.reranker)
    return Answerer(store=store, retriever=retriever, generator=backend.generator)


def _trials(backend: Backend, data: Path, queries: int | None) -> Iterator[Trial]:
    faquad, scifact = load(data / "faquad_pt"), load(data / "scifact")
    questions = sample(list(faquad.judged_queries.values()), queries)
    yield Trial(name="foreign", collection=ingest(backend, scifact), questions=questions)
    yield Trial(name="own", collection=ingest(backend, faquad), questions=questions)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.abstention", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with faquad_pt and scifact")
    parser.add_argument("--queries", type=int, help="ask this many questions only")
    parser.add_argument("--json", action="store_true", help="print the two rates as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
