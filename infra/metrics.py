"""The service's own metrics, as rag/telemetry/metrics.py names them (compared in tests/infra)."""

from typing import Final

from aws_cdk import Duration, aws_cloudwatch

# By name: the unit, and the dimension that it is counted by.
METRICS: Final[dict[str, tuple[str, str | None]]] = {
    "Documents": ("Count", "Outcome"),
    "ChunksEmbedded": ("Count", None),
    "Throttles": ("Count", None),
    "SearchEmbed": ("Milliseconds", None),
    "SearchRetrieve": ("Milliseconds", None),
    "SearchRerank": ("Milliseconds", None),
    "SearchTotal": ("Milliseconds", None),
    "AnswerEmbed": ("Milliseconds", None),
    "AnswerRetrieve": ("Milliseconds", None),
    "AnswerRerank": ("Milliseconds", None),
    "AnswerGenerate": ("Milliseconds", None),
    "AnswerTotal": ("Milliseconds", None),
    "Answers": ("Count", "Status"),
    "InputTokens": ("Count", None),
    "OutputTokens": ("Count", None),
}
OUTCOMES: Final = ("ready", "unchanged", "deleted", "superseded", "postponed", "failed", "rejected")
STATUSES: Final = ("answered", "insufficient_evidence", "refused")


def namespace(deployment: str) -> str:
    """Two deployments in one account are told apart by it, which costs no dimension."""
    return f"Acervo/{deployment}"


def metric(
    deployment: str, name: str, value: str | None = None, *, period: Duration, statistic: str | None = None
) -> aws_cloudwatch.Metric:
    """`value` of the metric's dimension. Counts are summed up, milliseconds are a median."""
    unit, dimension = METRICS[name]
    return aws_cloudwatch.Metric(
        namespace=namespace(deployment),
        metric_name=name,
        dimensions_map={dimension: value} if dimension and value else None,
        statistic=statistic or ("Sum" if unit == "Count" else "p50"),
        period=period,
        label=value or name,
    )
