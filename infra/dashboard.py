"""One dashboard: alarms, documents coming in, questions answered, the database, the service's own metrics."""

from aws_cdk import Duration, aws_cloudwatch
from constructs import Construct

from infra.alarms import Alarms
from infra.api import Api
from infra.database import Database
from infra.function import ServiceFunction
from infra.ingestion import Ingestion
from infra.metrics import METRICS, OUTCOMES, STATUSES, metric
from infra.queues import Queues

_WIDTH = 12
_MINUTE = Duration.minutes(1)


class Dashboard(Construct):
    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        alarms: Alarms,
        queues: Queues,
        ingestion: Ingestion,
        api: Api,
        database: Database,
    ) -> None:
        super().__init__(scope, id_)
        board = aws_cloudwatch.Dashboard(
            self, "Board", dashboard_name=name, period_override=aws_cloudwatch.PeriodOverride.AUTO
        )
        board.add_widgets(
            aws_cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms.alarms), width=2 * _WIDTH)
        )
        board.add_widgets(_queue(queues), _database(database))
        board.add_widgets(_function("Ingestion", ingestion.service), _function("API", api.service))
        board.add_widgets(*_documents(name))
        board.add_widgets(*_latencies(name))
        board.add_widgets(*_answers(name))


def _queue(queues: Queues) -> aws_cloudwatch.GraphWidget:
    return aws_cloudwatch.GraphWidget(
        title="Documents that wait",
        width=_WIDTH,
        left=[
            queues.documents.metric_approximate_number_of_messages_visible(period=_MINUTE, label="waiting"),
            queues.documents.metric_approximate_number_of_messages_not_visible(
                period=_MINUTE, label="in work"
            ),
            queues.dead_letters.metric_approximate_number_of_messages_visible(
                period=_MINUTE, label="dead letters"
            ),
        ],
        right=[queues.documents.metric_approximate_age_of_oldest_message(period=_MINUTE, label="oldest, s")],
    )


def _database(database: Database) -> aws_cloudwatch.GraphWidget:
    return aws_cloudwatch.GraphWidget(
        title="Database",
        width=_WIDTH,
        left=[database.resource.metric_cpu_utilization(period=_MINUTE)],
        right=[database.resource.metric_database_connections(period=_MINUTE, statistic="Maximum")],
    )


def _function(title: str, service: ServiceFunction) -> aws_cloudwatch.GraphWidget:
    function = service.function
    return aws_cloudwatch.GraphWidget(
        title=title,
        width=_WIDTH,
        left=[
            function.metric_invocations(period=_MINUTE),
            function.metric_errors(period=_MINUTE),
            function.metric_throttles(period=_MINUTE),
        ],
        right=[
            function.metric_duration(period=_MINUTE, statistic="p50"),
            function.metric_duration(period=_MINUTE, statistic="p95"),
        ],
    )


def _documents(name: str) -> tuple[aws_cloudwatch.GraphWidget, ...]:
    outcomes = [metric(name, "Documents", outcome, period=_MINUTE) for outcome in OUTCOMES]
    work = [metric(name, each, period=_MINUTE) for each in ("ChunksEmbedded", "Throttles")]
    return (
        aws_cloudwatch.GraphWidget(title="Documents by outcome", width=_WIDTH, left=outcomes),
        aws_cloudwatch.GraphWidget(
            title="Chunks embedded; calls throttled", width=_WIDTH, left=work[:1], right=work[1:]
        ),
    )


def _latencies(name: str) -> tuple[aws_cloudwatch.GraphWidget, ...]:
    """The steps by their median, the whole also by its 95th percentile."""
    return tuple(
        aws_cloudwatch.GraphWidget(
            title=f"{title}, ms",
            width=_WIDTH,
            left=[metric(name, each, period=_MINUTE) for each in _steps(prefix)],
            right=[metric(name, f"{prefix}Total", period=_MINUTE, statistic="p95")],
        )
        for title, prefix in (("Searches", "Search"), ("Answers", "Answer"))
    )


def _steps(prefix: str) -> list[str]:
    return [each for each, (unit, _) in METRICS.items() if unit == "Milliseconds" and each.startswith(prefix)]


def _answers(name: str) -> tuple[aws_cloudwatch.GraphWidget, ...]:
    ended = [metric(name, "Answers", status, period=_MINUTE) for status in STATUSES]
    tokens = [metric(name, each, period=_MINUTE) for each in ("InputTokens", "OutputTokens")]
    return (
        aws_cloudwatch.GraphWidget(title="Answers; abstentions", width=_WIDTH, left=ended),
        aws_cloudwatch.GraphWidget(title="Tokens", width=_WIDTH, left=tokens),
    )
