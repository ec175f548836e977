"""The ingestion function and its event sources, no more at once than the database has connections for."""

from pathlib import Path
from typing import Final

from aws_cdk import Aws, aws_lambda_event_sources, aws_s3
from constructs import Construct

from infra.acknowledge import acknowledge, wildcard
from infra.connections import ConnectionPlan
from infra.database import SERVICE, Database
from infra.environment import common_environment
from infra.function import ServiceFunction
from infra.network import Network
from infra.permissions import allow_embedding
from infra.queues import Queues
from infra.settings import DeploymentSettings
from infra.stream import DocumentStream

_READ_OBJECTS: Final = ("s3:GetObject", "s3:GetObjectVersion")
_LIST: Final = ("s3:ListBucket",)


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
            environment=common_environment(
                settings, bucket=bucket.bucket_name, database_url=database.url(SERVICE)
            ),
        )
        database.grant_login(self.service.role, SERVICE)
        allow_reading(self.service, bucket.bucket_arn, settings.source_buckets)
        allow_embedding(self.service, settings.models)
        self._add_queue(queues, settings.ingestion.batch_size, plan)
        if stream is not None:
            stream.stream.grant_read(self.service.role)
            # Reading does not need it, but Lambda asks for it when the event source is made.
            stream.stream.grant(self.service.role, "kinesis:DescribeStream")
            stream.failures.grant_send_messages(self.service.role)
            stream.feed(self.service.function)

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
