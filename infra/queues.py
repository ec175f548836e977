"""The ingestion queue, and where messages and records go that failed too often."""

from typing import Final

from aws_cdk import Aws, Duration, Stack, aws_iam, aws_s3, aws_sqs
from constructs import Construct

from infra.settings import IngestionSettings

# What AWS asks for: a function's time-out, six times.
_VISIBILITY_PER_TIMEOUT: Final = 6
# As long as SQS keeps anything.
_RETENTION: Final = Duration.days(14)


class Queues(Construct):
    """`documents` gets the bucket's notifications, `dead_letters` what was received too often."""

    def __init__(self, scope: Construct, id_: str, *, ingestion: IngestionSettings) -> None:
        super().__init__(scope, id_)
        self.dead_letters = last_stop(self, "DeadLetters")
        self.documents = aws_sqs.Queue(
            self,
            "Documents",
            encryption=aws_sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=_RETENTION,
            visibility_timeout=Duration.seconds(_VISIBILITY_PER_TIMEOUT * ingestion.timeout_seconds),
            dead_letter_queue=aws_sqs.DeadLetterQueue(
                queue=self.dead_letters, max_receive_count=ingestion.max_attempts
            ),
        )

    def accept_notifications(self) -> aws_sqs.QueuePolicy:
        """By the names that CloudFormation gives to this stack's buckets.

        The policy must be there before the bucket, so it cannot name it.
        """
        partition, stack = Aws.PARTITION, Stack.of(self)
        self.documents.add_to_resource_policy(
            aws_iam.PolicyStatement(
                principals=[aws_iam.ServicePrincipal("s3.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[self.documents.queue_arn],
                conditions={
                    "ArnLike": {"aws:SourceArn": f"arn:{partition}:s3:::{stack.stack_name.lower()}-*"},
                    "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
                },
            )
        )
        policy = self.documents.node.find_child("Policy")
        if not isinstance(policy, aws_sqs.QueuePolicy):
            raise TypeError("CDK keeps a queue's policy under another name now.")
        return policy


def notify(bucket: aws_s3.Bucket, queue: aws_sqs.Queue, policy: aws_sqs.QueuePolicy) -> None:
    """In the bucket's own properties: CDK's way would add a function that may write to every bucket."""
    resource = bucket.node.default_child
    if not isinstance(resource, aws_s3.CfnBucket):
        raise TypeError("CDK keeps a bucket's resource under another name now.")
    resource.notification_configuration = aws_s3.CfnBucket.NotificationConfigurationProperty(
        queue_configurations=[
            aws_s3.CfnBucket.QueueConfigurationProperty(event=event, queue=queue.queue_arn)
            for event in ("s3:ObjectCreated:*", "s3:ObjectRemoved:*")
        ]
    )
    resource.node.add_dependency(policy)


def last_stop(scope: Construct, name: str) -> aws_sqs.Queue:
    """A queue that nothing reads by itself."""
    return aws_sqs.Queue(
        scope,
        name,
        encryption=aws_sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=_RETENTION,
    )
