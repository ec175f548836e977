"""What a deployment tells its operator: addresses, and the first commands."""

from aws_cdk import CfnOutput
from constructs import Construct

from infra.api import Api
from infra.bucket import DocumentBucket
from infra.queues import Queues
from infra.stream import DocumentStream


def add_outputs(
    scope: Construct, *, api: Api, bucket: DocumentBucket, queues: Queues, stream: DocumentStream | None
) -> None:
    name = bucket.bucket.bucket_name
    outputs = {
        "Url": (api.url, "The API; its documentation is at /docs"),
        "Bucket": (name, "Documents are dropped here as <collection>/<key>"),
        "QueueUrl": (queues.documents.queue_url, "ACERVO_QUEUE_URL of acervo redrive"),
        "DeadLetterQueueUrl": (queues.dead_letters.queue_url, "ACERVO_DEAD_LETTER_QUEUE_URL"),
        "FirstDocument": (f"aws s3 cp handbook.pdf s3://{name}/handbook/handbook.pdf", "Ingest a document"),
        "FirstQuestion": (
            f'acervo --server {api.url} ask "What does the handbook say?"',
            "Ask about it",
        ),
    }
    if stream is not None:
        outputs["StreamName"] = (stream.stream.stream_name, "Records of docs/kinesis.md are put here")
        outputs["StreamFailuresQueueUrl"] = (
            stream.failures.queue_url,
            "Where records are told of that could not be read",
        )
    group = Construct(scope, "Outputs")
    for key, (value, description) in outputs.items():
        CfnOutput(group, key, value=value, description=description).override_logical_id(key)
