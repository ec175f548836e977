"""The ingestion function's entry point: batches of S3 notifications and Kinesis records, and a schedule."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol

from ingestion.handler import Handler
from rag.backends.aws import AwsBackend
from rag.settings import FunctionSettings, IngestionSettings, SourceSettings, TraceSettings
from rag.telemetry import bound, configure_structured_logging


class Context(Protocol):
    """The part of Lambda's context object that is used.

    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int: ...


def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    with bound(request_id=context.aws_request_id, trace_id=TraceSettings().trace_id):
        return built().handle(event, lambda: context.get_remaining_time_in_millis() / 1000)


@cache
def built() -> Handler:
    """Built at the first event, not at import: an error then tells which setting is wrong."""
    function = FunctionSettings()
    configure_structured_logging(service=function.function_service, namespace=function.metrics_namespace)
    limits = IngestionSettings()
    return Handler(
        AwsBackend(),
        default_tenant=SourceSettings().default_tenant,
        max_document_bytes=limits.max_document_bytes,
        max_streamed_bytes=limits.max_streamed_bytes,
    )
