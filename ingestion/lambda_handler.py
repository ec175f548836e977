"""The ingestion function's entry point: batches of S3 notifications and Kinesis records."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol

from ingestion.handler import Handler
from rag.backends.aws import AwsBackend
from rag.settings import IngestionSettings, SourceSettings
from rag.telemetry import configure_logging


class Context(Protocol):
    """The part of Lambda's context object that is used.

    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    def get_remaining_time_in_millis(self) -> int: ...


def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    return built().handle(event, lambda: context.get_remaining_time_in_millis() / 1000)


@cache
def built() -> Handler:
    """Built at the first event, not at import: an error then tells which setting is wrong."""
    configure_logging()
    return Handler(
        AwsBackend(),
        default_tenant=SourceSettings().default_tenant,
        max_document_bytes=IngestionSettings().max_document_bytes,
    )
