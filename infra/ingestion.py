"""The ingestion function, its event sources and its schedule, no more at once than the database bears."""

from pathlib import Path
from typing import Final

from aws_cdk import Aws, Duration, aws_events, aws_events_targets, aws_lambda_event_sources, aws_s3
from constructs import Construct

from infra.acknowledge import acknowledge, wildcard
from infra.connections import ConnectionPlan
from infra.database import SERVICE, Database
from infra.environment import common_environment, ingesting_environment
from infra.function import ServiceFunction
from infra.network import Network
from infra.permissions import allow_embedding
from infra.queues import Queues
from infra.settings import DeploymentSettings
from infra.stream import DocumentStream

_READ_OBJECTS: Final = ("s3:GetObject", "s3:GetObjectVersion")
_LIST: Final = ("s3:ListBucket",)
# Below it the functions ask for work (rag/domain/buckets.py, decision 0017).
_WORK: Final = "/.acervo/work/*"
# How long work that no message tells of may lie; a database that pauses is woken by each look.
_SWEEP: Final = Duration.minutes(5)
_RARE_SWEEP: Final = Duration.hours(12)


class Ingestion(Construct):
    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: DeploymentSettings,
        bundle: Path,
        network: Network,
        database: Database,
        bucket: aws_s3.Bucket,
        queues: Queues,
        stream: DocumentStream | None,
        plan: ConnectionPlan,
    ) -> None:
        super().__init__(scope, id_)
        self.service = ServiceFunction(
            self,
            "Ingestion",
            name=f"{settings.name}-ingestion",
            bundle=bundle,
            handler="ingestion.lambda_handler.handler",
            network=network,
            memory_mib=settings.ingestion.memory_mib,
            timeout_seconds=settings.ingestion.timeout_seconds,
            log_days=settings.operations.log_days,
            environment={
                **common_environment(settings, bucket=bucket.bucket_name, database_url=database.url(SERVICE)),
                **ingesting_environment(settings),
            },
        )
        database.grant_login(self.service.role, SERVICE)
        allow_reading(self.service, bucket.bucket_arn, settings.source_buckets)
        allow_embedding(self.service, settings.models)
        if settings.ingestion.ocr == "textract":
            self.service.allow_without_resource("textract:DetectDocumentText")
        self._allow_asking_for_work(bucket.bucket_arn)
        self._add_queue(queues, settings.ingestion.batch_size, plan)
        self._add_schedule(_RARE_SWEEP if settings.database_pauses else _SWEEP)
        if stream is not None:
            stream.stream.grant_read(self.service.role)
            # Reading does not need it, but Lambda asks for it when the event source is made.
            stream.stream.grant(self.service.role, "kinesis:DescribeStream")
            stream.failures.grant_send_messages(self.service.role)
            stream.feed(self.service.function)

    def _allow_asking_for_work(self, bucket_arn: str) -> None:
        self.service.allow(["s3:PutObject"], [f"{bucket_arn}{_WORK}"])
        reason = "One object a tenant, whose notification continues work that takes longer than a function."
        acknowledge(self.service, {wildcard(self.service, bucket_arn, _WORK): reason})

    def _add_schedule(self, every: Duration) -> None:
        aws_events.Rule(
            self,
            "Sweep",
            description="Works off what waits in the ledger without a message",
            schedule=aws_events.Schedule.rate(every),
            # The next turn comes by itself.
            targets=[aws_events_targets.LambdaFunction(self.service.function, retry_attempts=0)],
        )

    def _add_queue(self, queues: Queues, batch_size: int, plan: ConnectionPlan) -> None:
        queues.documents.grant_consume_messages(self.service.role)
        self.service.function.add_event_source(
            aws_lambda_event_sources.SqsEventSource(
                queues.documents,
                batch_size=batch_size,
                max_concurrency=plan.queue,
                report_batch_item_failures=True,
            )
        )


def allow_reading(service: ServiceFunction, bucket_arn: str, others: tuple[str, ...]) -> None:
    """Of the documents' bucket, and of those that records may name."""
    # Without s3:ListBucket, S3 says of a missing object that it is forbidden.
    arns = [bucket_arn, *(f"arn:{Aws.PARTITION}:s3:::{name}" for name in others)]
    service.allow(_READ_OBJECTS, [f"{arn}/*" for arn in arns])
    service.allow(_LIST, arns)
    acknowledge(service, {wildcard(service, arn, "/*"): "Every document of the bucket." for arn in arns})
