"""Whether answers cite what proves them: citations beside the evidence that annotators marked.

A citation is valid where its quote is the document's text from its start to its end. It is precise where
it touches a sentence of evidence; evidence is recalled where a citation touches it. Precision is over the
citations and recall over the evidence of the answerable questions that were answered; how many were is
`answer_rate`. The generator is the one of ACERVO_GENERATION.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, quantiles

from app.answer import Answerer
from app.retrieve import Retriever
from bench.datasets import load, sample
from bench.evidence import Evidence, Question, load_questions
from bench.local import TENANT, document_id, ingest, temporary_backend
from rag.domain.answers import Answer, AnswerRequest, AnswerStatus, Citation
from rag.domain.search import SearchRequest
from rag.ports import Backend, TenantStore


@dataclass(frozen=True, kw_only=True)
class Outcome:
    question: Question
    answer: Answer

    @property
    def answered(self) -> bool:
        return self.answer.status is AnswerStatus.ANSWERED


def main() -> None:
    arguments = _arguments()
    with temporary_backend() as backend:
        dataset = load(arguments.data)
        questions = sample(load_questions(arguments.data, dataset.documents), arguments.queries)
        outcomes = ask(backend, ingest(backend, dataset), questions)
        report = evaluate(outcomes, backend.store.tenant(TENANT))
    print(json.dumps(report) if arguments.json else _table(report))


def ask(backend: Backend, collection: str, questions: Sequence[Question]) -> list[Outcome]:
    store = backend.store.tenant(TENANT)
    retriever = Retriever(store=store, embedder=backend.embedder, reranker=backend.reranker)
    answerer = Answerer(store=store, retriever=retriever, generator=backend.generator)

    def outcome(question: Question) -> Outcome:
        search = SearchRequest(query=question.text, collections=(collection,))
        return Outcome(question=question, answer=answerer.answer(AnswerRequest(search=search)))

    # One after the other: latencies of questions that share two cores say nothing.
    return list(map(outcome, questions))


def evaluate(outcomes: Sequence[Outcome], store: TenantStore) -> Mapping[str, float | int | None]:
    answerable = [outcome for outcome in outcomes if outcome.question.answerable]
    unanswerable = [outcome for outcome in outcomes if not outcome.question.answerable]
    answered = [outcome for outcome in answerable if outcome.answered]
    milliseconds = [outcome.answer.timings_ms["total"] for outcome in outcomes]
    costs = [outcome.answer.usage.cost_usd for outcome in outcomes]
    known_costs = [cost for cost in costs if cost is not None]
    return {
        "questions": len(outcomes),
        "citation_validity": _share([valid(c, store) for o in outcomes for c in o.answer.citations]),
        "citation_precision": _share([_hits(c, o) for o in answered for c in o.answer.citations]),
        "citation_recall": _share([_cited(e, o) for o in answered for e in o.question.evidence]),
        "answer_rate": _share([outcome.answered for outcome in answerable]),
        "abstention_unanswerable": _share([not outcome.answered for outcome in unanswerable]),
        "p50_ms": round(quantiles(milliseconds, n=100)[49], 1),
        "p95_ms": round(quantiles(milliseconds, n=100)[94], 1),
        **{f"mean_{name}_ms": _mean(outcomes, name) for name in ("embed", "retrieve", "generate")},
        "cost_usd": round(sum(known_costs), 6) if known_costs else None,
    }


def valid(citation: Citation, store: TenantStore) -> bool:
    source = citation.source
    return store.documents.text(source.document_id)[source.start : source.end] == citation.quote


def _hits(citation: Citation, outcome: Outcome) -> bool:
    return any(_touches(citation, evidence) for evidence in outcome.question.evidence)


def _cited(evidence: Evidence, outcome: Outcome) -> bool:
    return any(_touches(citation, evidence) for citation in outcome.answer.citations)


def _touches(citation: Citation, evidence: Evidence) -> bool:
    source = citation.source
    same = document_id(source.key) == evidence.document
    return same and source.start < evidence.end and evidence.start < source.end


def _share(verdicts: Sequence[bool]) -> float | None:
    return round(mean(verdicts), 4) if verdicts else None


def _mean(outcomes: Sequence[Outcome], lap: str) -> float:
    return round(mean(outcome.answer.timings_ms[lap] for outcome in outcomes), 1)


def _table(report: Mapping[str, float | int | None]) -> str:
    return "\n".join(f"{name:<24} {'-' if value is None else value:>10}" for name, value in report.items())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.answers", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="clapnq_dev or faquad_pt")
    parser.add_argument("--queries", type=int, help="ask this many questions only")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    main()
