"""The Kinesis stream for producers that have documents as data, and its bounded event source."""

from aws_cdk import Duration, aws_kinesis, aws_lambda, aws_lambda_event_sources
from constructs import Construct

from infra.acknowledge import acknowledge
from infra.queues import last_stop
from infra.settings import StreamSettings


class DocumentStream(Construct):
    """`failures` is told which records could not be read; it does not get the records themselves."""

    def __init__(self, scope: Construct, id_: str, *, settings: StreamSettings) -> None:
        super().__init__(scope, id_)
        self._settings = settings
        self.stream = aws_kinesis.Stream(
            self,
            "Documents",
            stream_mode=aws_kinesis.StreamMode.PROVISIONED,
            shard_count=settings.shards,
            retention_period=Duration.hours(settings.retention_hours),
            encryption=aws_kinesis.StreamEncryption.MANAGED,
        )
        self.failures = last_stop(self, "Failures")
        acknowledge(self.failures, {"AwsSolutions-SQS3": "It is itself where a stream's failures end."})

    def feed(self, function: aws_lambda.Function) -> None:
        """Bounded in attempts and age: Lambda's default is to hold a shard until a record succeeds."""
        function.add_event_source(
            aws_lambda_event_sources.KinesisEventSource(
                self.stream,
                starting_position=aws_lambda.StartingPosition.TRIM_HORIZON,
                batch_size=self._settings.batch_size,
                parallelization_factor=self._settings.batches_per_shard,
                retry_attempts=self._settings.max_attempts,
                max_record_age=Duration.hours(self._settings.max_age_hours),
                bisect_batch_on_error=True,
                report_batch_item_failures=True,
                on_failure=aws_lambda_event_sources.SqsDlq(self.failures),
            )
        )
