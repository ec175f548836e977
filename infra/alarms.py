"""Alarms: what docs/operations.md says what to do about, in the same order."""

from typing import Final

from aws_cdk import (
    Aws,
    Duration,
    aws_cloudwatch,
    aws_cloudwatch_actions,
    aws_iam,
    aws_rds,
    aws_sns,
    aws_sns_subscriptions,
)
from constructs import Construct

from infra.api import Api
from infra.connections import ConnectionPlan
from infra.database import Database
from infra.ingestion import Ingestion
from infra.metrics import metric
from infra.queues import Queues
from infra.settings import DeploymentSettings
from infra.stream import DocumentStream

_MINUTES: Final = Duration.minutes(5)
_GIB: Final = 1024**3
_CONNECTIONS_SHARE: Final = 0.8
_LEAST_FREE_SHARE: Final = 0.15
_OLDEST: Final = Duration.minutes(60)


class Alarms(Construct):
    """`alarms` by what they are about, for the dashboard."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: DeploymentSettings,
        queues: Queues,
        stream: DocumentStream | None,
        ingestion: Ingestion,
        api: Api,
        database: Database,
        plan: ConnectionPlan,
    ) -> None:
        super().__init__(scope, id_)
        self._name = settings.name
        self.alarms: list[aws_cloudwatch.Alarm] = []
        # Not encrypted by a key of KMS: CloudWatch may not use AWS's own, and one of ours costs by the month.
        self._topic = aws_sns.Topic(self, "Topic", enforce_ssl=True)
        self._topic.add_to_resource_policy(_publishing_alarms(self._topic))
        if settings.operations.alarm_email:
            self._topic.add_subscription(
                aws_sns_subscriptions.EmailSubscription(settings.operations.alarm_email)
            )
        self._watch_queues(queues)
        self._watch_documents()
        if stream is not None:
            self._watch_stream(stream)
        self._watch_functions(ingestion, api)
        self._watch_database(settings, database, plan)

    def _watch_queues(self, queues: Queues) -> None:
        self._above(
            "DeadLetters",
            queues.dead_letters.metric_approximate_number_of_messages_visible(
                period=_MINUTES, statistic="Maximum"
            ),
            0,
            "Messages failed too often: acervo why, then acervo redrive.",
        )
        self._above(
            "OldestMessage",
            queues.documents.metric_approximate_age_of_oldest_message(period=_MINUTES, statistic="Maximum"),
            _OLDEST.to_seconds(),
            "Documents wait for an hour: look for throttling and errors of the ingestion function.",
        )

    def _watch_documents(self) -> None:
        self._above(
            "FailedDocuments",
            metric(self._name, "Documents", "failed", period=_MINUTES),
            0,
            "Documents failed for good: the log names them, acervo why tells the reason.",
        )

    def _watch_stream(self, stream: DocumentStream) -> None:
        self._above(
            "StreamFailures",
            stream.failures.metric_approximate_number_of_messages_visible(
                period=_MINUTES, statistic="Maximum"
            ),
            0,
            "Records of the stream could not be read; the messages say where they stand.",
        )
        self._above(
            "StreamBehind",
            stream.stream.metric_get_records_iterator_age_milliseconds(period=_MINUTES, statistic="Maximum"),
            _OLDEST.to_milliseconds(),
            "The stream is read an hour behind: more batches_per_shard or shards.",
        )

    def _watch_functions(self, ingestion: Ingestion, api: Api) -> None:
        for name, service in (("Ingestion", ingestion.service), ("Api", api.service)):
            self._above(
                f"{name}Errors",
                service.function.metric_errors(period=_MINUTES),
                0,
                f"The function {name} failed or timed out: its log says why.",
                periods=2,
            )
            self._above(
                f"{name}Throttled",
                service.function.metric_throttles(period=_MINUTES),
                0,
                f"More of {name} are asked for than its concurrency allows: a larger database allows more.",
                periods=3,
            )

    def _watch_database(self, settings: DeploymentSettings, database: Database, plan: ConnectionPlan) -> None:
        self._above(
            "DatabaseConnections",
            database.resource.metric_database_connections(period=_MINUTES, statistic="Maximum"),
            int(plan.max_connections * _CONNECTIONS_SHARE),
            "The database is near its limit of connections.",
        )
        if isinstance(database.resource, aws_rds.DatabaseInstance) and settings.database.kind == "rds":
            self._add(
                "DatabaseStorage",
                database.resource.metric_free_storage_space(period=_MINUTES, statistic="Minimum"),
                settings.database.storage_gib * _GIB * _LEAST_FREE_SHARE,
                "The database's storage runs out, or grows by itself up to max_storage_gib.",
                aws_cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            )

    def _above(
        self, id_: str, metric: aws_cloudwatch.IMetric, threshold: float, advice: str, *, periods: int = 1
    ) -> None:
        above = aws_cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
        self._add(id_, metric, threshold, advice, above, periods=periods)

    def _add(
        self,
        id_: str,
        metric: aws_cloudwatch.IMetric,
        threshold: float,
        advice: str,
        operator: aws_cloudwatch.ComparisonOperator,
        *,
        periods: int = 1,
    ) -> None:
        alarm = aws_cloudwatch.Alarm(
            self,
            id_,
            alarm_name=f"{self._name}-{id_}",
            alarm_description=advice,
            metric=metric,
            threshold=threshold,
            comparison_operator=operator,
            evaluation_periods=periods,
            treat_missing_data=aws_cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        action = aws_cloudwatch_actions.SnsAction(self._topic)
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)
        self.alarms.append(alarm)


def _publishing_alarms(topic: aws_sns.Topic) -> aws_iam.PolicyStatement:
    """Said here since a policy of ours, even one that only denies, takes the place of SNS's own."""
    return aws_iam.PolicyStatement(
        principals=[aws_iam.ServicePrincipal("cloudwatch.amazonaws.com")],
        actions=["sns:Publish"],
        resources=[topic.topic_arn],
        conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
    )
