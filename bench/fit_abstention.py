"""Fits the constants of rag/adapters/local/evidence.py and prints them.

Own: CLAPnq's answerable questions against CLAPnq, bench/questions_pt.jsonl against examples/documents/pt.
Foreign: all of CLAPnq's questions against SciFact, SciFact's claims against CLAPnq, the Portuguese
questions against the passages of FaQuAD and, where they name no document, against the examples.
The questions of FaQuAD are not used.
"""

import argparse
from collections.abc import Iterable
from dataclasses import astuple
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.prompt import grounded_prompt
from app.retrieve import Retriever
from bench.datasets import load, read_jsonl
from bench.local import TENANT, ingest, ingest_objects, temporary_backend
from rag.adapters.local.sentence_choice import read
from rag.domain.documents import Attributes
from rag.domain.search import SearchRequest
from rag.ports import Backend

Features = NDArray[np.float64]
ROOT = Path(__file__).parents[1]
RIDGE = 1e-3


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.fit_abstention", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    with temporary_backend() as backend:
        own, foreign = _sets(backend, parser.parse_args().data)
    constants = fit(list(own.values()), list(foreign.values()))
    print("weights", np.round(constants[:-1], 2).tolist(), "intercept", round(float(constants[-1]), 2))
    for name, features in (own | foreign).items():
        print(f"{name:<24} {np.mean(_log_odds(features, constants) < 0):6.1%} left unanswered")


def _sets(backend: Backend, data: Path) -> tuple[dict[str, Features], dict[str, Features]]:
    clapnq, scifact = load(data / "clapnq_dev"), load(data / "scifact")
    in_clapnq, in_scifact = ingest(backend, clapnq), ingest(backend, scifact)
    in_faquad, in_examples = ingest(backend, load(data / "faquad_pt")), _ingest_examples(backend)
    portuguese = list(read_jsonl(ROOT / "bench" / "questions_pt.jsonl"))
    asked = [line["text"] for line in portuguese]
    answered = [line["text"] for line in portuguese if line["document"]]
    unanswered = [line["text"] for line in portuguese if not line["document"]]
    own = {
        "clapnq own": _features(backend, in_clapnq, clapnq.judged_queries.values()),
        "pt own": _features(backend, in_examples, answered),
    }
    foreign = {
        "clapnq on scifact": _features(backend, in_scifact, clapnq.queries.values()),
        "scifact on clapnq": _features(backend, in_clapnq, scifact.queries.values()),
        "pt foreign on examples": _features(backend, in_examples, unanswered),
        "pt on faquad": _features(backend, in_faquad, asked),
    }
    return own, foreign


def _ingest_examples(backend: Backend) -> str:
    folder = ROOT / "examples" / "documents" / "pt"
    objects = ((path.name, path.read_bytes(), Attributes()) for path in sorted(folder.iterdir()))
    return ingest_objects(backend, "examples", objects)


def _features(backend: Backend, collection: str, questions: Iterable[str]) -> Features:
    retriever = Retriever(store=backend.store.tenant(TENANT), embedder=backend.embedder)
    rows = []
    for question in questions:
        retrieved = retriever.retrieve(SearchRequest(query=question, collections=(collection,)))
        prompt = grounded_prompt(question, passages=retrieved.passages, terms=retrieved.terms)
        rows.append(astuple(read(prompt, backend.embedder).evidence))
    return np.array(rows)


def fit(own: list[Features], foreign: list[Features]) -> Features:
    """Logistic regression by Newton's method; both classes, and every set of a class, weigh the same."""
    features = np.vstack([*own, *foreign])
    labels = np.concatenate([np.full(len(rows), 1.0) for rows in own] + [np.zeros(len(r)) for r in foreign])
    weights = np.concatenate(
        [np.full(len(rows), 0.5 / len(rows) / len(sets)) for sets in (own, foreign) for rows in sets]
    )
    design = np.hstack([features, np.ones((len(features), 1))])
    ridge = RIDGE * np.diag([1.0] * features.shape[1] + [0.0])
    constants = np.zeros(design.shape[1])
    for _ in range(50):
        chances = 1 / (1 + np.exp(-design @ constants))
        gradient = design.T @ (weights * (chances - labels)) + ridge @ constants
        curvature = (design.T * (weights * chances * (1 - chances))) @ design + ridge
        constants -= np.linalg.solve(curvature, gradient)
    return constants


def _log_odds(features: Features, constants: Features) -> Features:
    odds: Features = features @ constants[:-1] + constants[-1]
    return odds


if __name__ == "__main__":
    main()
