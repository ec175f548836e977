"""How long searches and answers took, step by step, and how answers ended."""

from collections.abc import Iterator, Mapping
from typing import Final, TypeVar

from app.answer import AnswerCompleted
from app.ground import closing
from rag.domain.answers import Answer
from rag.domain.search import Retrieved
from rag.telemetry import Metric, measure

E = TypeVar("E")

_SEARCH: Final = {
    "embed": Metric.SEARCH_EMBED,
    "retrieve": Metric.SEARCH_RETRIEVE,
    "rerank": Metric.SEARCH_RERANK,
    "total": Metric.SEARCH_TOTAL,
}
_ANSWER: Final = {
    "embed": Metric.ANSWER_EMBED,
    "retrieve": Metric.ANSWER_RETRIEVE,
    "rerank": Metric.ANSWER_RERANK,
    "generate": Metric.ANSWER_GENERATE,
    "total": Metric.ANSWER_TOTAL,
}


def measured_search(retrieved: Retrieved) -> Retrieved:
    """The same."""
    measure(_steps(retrieved.timings_ms, _SEARCH))
    return retrieved


def measured_answer(answer: Answer) -> Answer:
    """The same."""
    measure({Metric.ANSWERS: 1, **_steps(answer.timings_ms, _ANSWER)}, answer.status)
    return answer


def measured_events(events: Iterator[E]) -> Iterator[E]:
    """The same; an answer is measured where it is complete."""
    with closing(events):
        for event in events:
            if isinstance(event, AnswerCompleted):
                measured_answer(event.answer)
            yield event


def _steps(timings_ms: Mapping[str, float], metrics: Mapping[str, Metric]) -> dict[Metric, float]:
    return {metrics[step]: milliseconds for step, milliseconds in timings_ms.items() if step in metrics}
