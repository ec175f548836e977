"""The ingestion function as Lambda calls it: settings from the environment, AWS over HTTP."""

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from ingestion import lambda_handler
from rag.adapters.postgres.store import PostgresStore
from rag.domain.documents import DocumentStatus
from rag.errors import SettingInvalid
from tests.doubles.bedrock_client import environment
from tests.doubles.bedrock_server import BedrockServer, bedrock_server
from tests.doubles.logging_state import logging_as_before
from tests.doubles.s3_server import BUCKET, S3Server, s3_server


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """The entry point configures the process's logging."""
    with logging_as_before():
        yield


class Context:
    aws_request_id = "8a5b1c0e-4a0e-4f5e-9b0a-2f6d3c1b7e90"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@pytest.fixture
def deployment(conninfo: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[S3Server, BedrockServer]]:
    with ExitStack() as running:
        s3, bedrock = running.enter_context(s3_server()), running.enter_context(bedrock_server())
        settings = {
            **environment(bedrock.url),
            "AWS_ENDPOINT_URL_S3": s3.endpoint_url,
            "DATABASE_URL": conninfo,
            "ACERVO_BUCKET": BUCKET,
            "ACERVO_EMBEDDING": "bedrock:amazon.titan-embed-text-v2:0@256",
            "ACERVO_EMBEDDING_REQUESTS_PER_MINUTE": "60000",
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        lambda_handler.built.cache_clear()
        yield s3, bedrock
        lambda_handler.built().close()
        lambda_handler.built.cache_clear()


def test_a_dropped_file_becomes_searchable(
    deployment: tuple[S3Server, BedrockServer], store: PostgresStore
) -> None:
    s3, bedrock = deployment
    text = "# Prazos\n\nO reembolso é pago em 30 dias."
    dropped = s3.bucket.put("manual/prazos.md", text.encode()).notification
    message = {"messageId": "1", "eventSource": "aws:sqs", "body": json.dumps(dropped)}
    event = {"Records": [message, {**message, "messageId": "2", "body": "{"}]}
    assert lambda_handler.handler(event, Context()) == {"batchItemFailures": [{"itemIdentifier": "2"}]}
    tenant = store.tenant("default")
    document = tenant.documents.find("manual", "prazos.md")
    assert (document.status, document.language) == (DocumentStatus.READY, "pt")
    assert tenant.collections.get("manual").embedding.dimensions == 256
    assert sum(bedrock.embedded.values()) == document.chunk_count
    assert lambda_handler.handler({"Records": [message]}, Context()) == {"batchItemFailures": []}
    assert sum(bedrock.embedded.values()) == document.chunk_count


def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACERVO_BUCKET", raising=False)
    lambda_handler.built.cache_clear()
    with pytest.raises(SettingInvalid, match="ACERVO_BUCKET"):
        lambda_handler.handler({"Records": []}, Context())
