"""One dashboard: alarms, documents coming in, questions answered, the database, the service's own metrics."""

from aws_cdk import Aws, Duration, aws_cloudwatch
from constructs import Construct

from infra.alarms import Alarms
from infra.api import Api
from infra.database import Database
from infra.function import ServiceFunction
from infra.ingestion import Ingestion
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
        board.add_widgets(*(_own(title, pattern) for title, pattern in _OWN_METRICS.items()))


# By search: a metric that the service begins to send is on the dashboard by itself.
_OWN_METRICS = {
    "Documents, chunks, throttles": "documents OR chunks OR throttle",
    "Latency of search and answers": "latency OR milliseconds OR seconds",
    "Tokens and abstentions": "tokens OR abstention OR answers",
}


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


def _own(title: str, pattern: str) -> aws_cloudwatch.GraphWidget:
    found = f"SEARCH('Namespace=\"Acervo\" ({pattern})', 'Average', 60)"
    metric = aws_cloudwatch.MathExpression(
        expression=found, using_metrics={}, label="", search_region=Aws.REGION
    )
    return aws_cloudwatch.GraphWidget(title=title, width=_WIDTH * 2 // 3, left=[metric])
