"""What is measured, and its embedded metric format, which CloudWatch reads out of the log.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
import logging
import time
from collections.abc import Mapping
from enum import Enum
from functools import partial
from typing import Any, Final, NamedTuple

from rag.telemetry.context import bound_ids

json_line: Final = partial(json.dumps, ensure_ascii=False, separators=(",", ":"), default=str)

# Off until an entry point asks for structured logs: local mode measures nothing.
measures: Final = logging.getLogger("acervo.metrics")
measures.propagate = False
measures.setLevel(logging.CRITICAL)
measures.addHandler(logging.NullHandler())


class _Kind(NamedTuple):
    title: str
    unit: str
    dimension: str | None = None


class Metric(Enum):
    """`infra/metrics.py` repeats these for the dashboard and the alarms; a test compares."""

    DOCUMENTS = _Kind("Documents", "Count", "Outcome")
    CHUNKS_EMBEDDED = _Kind("ChunksEmbedded", "Count")
    THROTTLES = _Kind("Throttles", "Count")
    SEARCH_EMBED = _Kind("SearchEmbed", "Milliseconds")
    SEARCH_RETRIEVE = _Kind("SearchRetrieve", "Milliseconds")
    SEARCH_RERANK = _Kind("SearchRerank", "Milliseconds")
    SEARCH_TOTAL = _Kind("SearchTotal", "Milliseconds")
    ANSWER_EMBED = _Kind("AnswerEmbed", "Milliseconds")
    ANSWER_RETRIEVE = _Kind("AnswerRetrieve", "Milliseconds")
    ANSWER_RERANK = _Kind("AnswerRerank", "Milliseconds")
    ANSWER_GENERATE = _Kind("AnswerGenerate", "Milliseconds")
    ANSWER_TOTAL = _Kind("AnswerTotal", "Milliseconds")
    ANSWERS = _Kind("Answers", "Count", "Status")
    INPUT_TOKENS = _Kind("InputTokens", "Count")
    OUTPUT_TOKENS = _Kind("OutputTokens", "Count")


def measure(values: Mapping[Metric, float], dimension: str = "") -> None:
    """`dimension`: the outcome or status, for those metrics that are counted by it."""
    if values and measures.isEnabledFor(logging.INFO):
        measures.info("", extra={"metrics": values, "dimension": dimension})


class EmbeddedMetricFormatter(logging.Formatter):
    """A metric has no more dimensions than it is looked at by: CloudWatch bills by the combination.

    What the work is about stands beside the numbers and is found by CloudWatch Logs Insights.
    """

    def __init__(self, namespace: str) -> None:
        super().__init__()
        self._namespace = namespace

    def format(self, record: logging.LogRecord) -> str:
        given: Any = record
        values: Mapping[Metric, float] = given.metrics
        directives = [_directive(self._namespace, metric) for metric in values]
        named = {metric.value.dimension: given.dimension for metric in values if metric.value.dimension}
        document = {
            "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": directives},
            **bound_ids(),
            **named,
            **{metric.value.title: value for metric, value in values.items()},
        }
        return json_line(document)


def _directive(namespace: str, metric: Metric) -> dict[str, Any]:
    title, unit, dimension = metric.value
    return {
        "Namespace": namespace,
        "Dimensions": [[dimension] if dimension else []],
        "Metrics": [{"Name": title, "Unit": unit}],
    }
