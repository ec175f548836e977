"""The bundles as Lambda runs them: awslambdaric, recorded events, nothing else installed."""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from reportlab.pdfgen.canvas import Canvas

from infra.bundle import TWIN_PLATFORM, build, try_imports
from infra.bundles.errors import BundleError
from infra.bundles.functions import FUNCTIONS
from infra.bundles.packages import find_python
from rag.adapters.postgres.migrate import migrations
from rag.adapters.postgres.store import PostgresStore
from rag.domain.credentials import SECRET_PREFIX, NewApiKey, Scope, fingerprint, new_secret
from rag.domain.documents import DocumentStatus
from tests.doubles.bedrock_client import environment
from tests.doubles.bedrock_server import bedrock_server
from tests.doubles.bucket import Bucket
from tests.doubles.lambda_runtime import FunctionFailed, LambdaFunction, lambda_function
from tests.doubles.s3_server import S3Server, s3_server
from tests.doubles.scans import column, scanned_pdf
from tests.doubles.textract_server import textract_server

EVENTS = Path(__file__).parents[1] / "events"
BUCKET = "acme-documents"
QUESTION = "Em quantos dias é pago o reembolso?"

# Making three bundles takes most of a minute where the machine is busy.
pytestmark = pytest.mark.timeout(300)


def recorded(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return event


@contextmanager
def running(twins: Mapping[str, Path], name: str, variables: Mapping[str, str]) -> Iterator[LambdaFunction]:
    handler = f"{FUNCTIONS[name].module}.handler"
    with lambda_function(
        twins[name], handler, python=find_python(), runtime=twins["runtime"], environment=variables
    ) as function:
        yield function


@pytest.fixture
def s3() -> Iterator[S3Server]:
    with s3_server() as server:
        server.buckets[BUCKET] = Bucket(name=BUCKET, versioned=True, listener=server.changes.append)
        yield server


@pytest.fixture
def variables(conninfo: str, s3: S3Server) -> Iterator[Mapping[str, str]]:
    with bedrock_server() as bedrock:
        yield {
            **environment(bedrock.url),
            "AWS_ENDPOINT_URL_S3": s3.endpoint_url,
            "DATABASE_URL": conninfo,
            "ACERVO_BUCKET": BUCKET,
            "ACERVO_EMBEDDING": "bedrock:amazon.titan-embed-text-v2:0@256",
            "ACERVO_GENERATION": "bedrock:us.mock-grounded",
        }


@pytest.fixture
def key(store: PostgresStore) -> str:
    secret = new_secret()
    new = NewApiKey(tenant="default", name="test", scopes=(Scope.READ, Scope.WRITE))
    store.credentials.create(new, fingerprint(secret))
    return secret


def with_key(event: dict[str, Any], key: str) -> dict[str, Any]:
    return {**event, "headers": {**event["headers"], "authorization": f"Bearer {key}"}}


def pdf_saying(text: str) -> bytes:
    file = BytesIO()
    canvas = Canvas(file)
    canvas.drawString(72, 720, text)
    canvas.save()
    return file.getvalue()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_module_of_a_bundle_can_be_imported_with_nothing_else(
    twins: Mapping[str, Path], name: str
) -> None:
    try_imports(FUNCTIONS[name], twins[name])


def test_a_bundle_without_a_package_is_refused(twins: Mapping[str, Path], tmp_path: Path) -> None:
    lacking = tmp_path / "migration"
    lacking.mkdir()
    for entry in twins["migration"].iterdir():
        if entry.name != "psycopg_pool":
            (lacking / entry.name).symlink_to(entry)
    with pytest.raises(BundleError, match="psycopg_pool"):
        try_imports(FUNCTIONS["migration"], lacking)


@pytest.mark.usefixtures("twins")
def test_a_bundle_that_is_too_large_is_refused(tmp_path: Path) -> None:
    small = replace(FUNCTIONS["migration"], limit_megabytes=1)
    with pytest.raises(BundleError, match="at most 1 MB"):
        build(small, tmp_path / "migration", platform=TWIN_PLATFORM, offline=True)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_compiled_modules_are_never_compared_with_their_source(twins: Mapping[str, Path], name: str) -> None:
    compiled = next((twins[name] / "rag" / "__pycache__").glob("errors.*.pyc")).read_bytes()
    # PEP 552: bit 0 for a hash in place of a time stamp, bit 1 for checking it.
    assert int.from_bytes(compiled[4:8], "little") == 0b01


def test_bundles_hold_only_what_their_function_imports(twins: Mapping[str, Path]) -> None:
    assert not (twins["ingestion"] / "app").exists()
    assert not (twins["api"] / "ingestion").exists()
    assert not (twins["migration"] / "rag" / "backends").exists()
    data = twins["migration"] / "botocore" / "data"
    assert [each.name for each in data.iterdir() if each.is_dir()] == ["sts"]
    assert all((twins[name] / "certificates" / "rds.pem").exists() for name in FUNCTIONS)


def test_ingestion_answers_recorded_batches_of_sqs_and_kinesis(
    twins: Mapping[str, Path], variables: Mapping[str, str], s3: S3Server, store: PostgresStore
) -> None:
    s3.buckets[BUCKET].put(
        "handbook/pt/Relatório anual + anexo.pdf", pdf_saying("O reembolso tarda 30 dias.")
    )
    with running(twins, "ingestion", variables) as function:
        assert function.invoke(recorded("sqs/s3-created")) == {"batchItemFailures": []}
        assert function.invoke(recorded("kinesis/upsert-text")) == {"batchItemFailures": []}
        broken = recorded("sqs/s3-created")
        broken["Records"].append({**broken["Records"][0], "messageId": "broken", "body": "{"})
        assert function.invoke(broken) == {"batchItemFailures": [{"itemIdentifier": "broken"}]}
    documents = store.tenant("default").documents
    dropped = documents.find("handbook", "pt/Relatório anual + anexo.pdf")
    assert (dropped.status, dropped.media_type) == (DocumentStatus.READY, "application/pdf")
    assert documents.find("orders", "2026/4711").status is DocumentStatus.READY


def test_a_scan_is_read_by_textract(
    twins: Mapping[str, Path], variables: Mapping[str, str], s3: S3Server, store: PostgresStore
) -> None:
    scan = scanned_pdf([column(["O reembolso tarda", "trinta dias."])])
    change = s3.buckets[BUCKET].put("manual/scan.pdf", scan)
    message = {"messageId": "1", "eventSource": "aws:sqs", "body": json.dumps(change.notification)}
    with textract_server() as recognition:
        reading = {**variables, "ACERVO_OCR": "textract", "AWS_ENDPOINT_URL_TEXTRACT": recognition.url}
        with running(twins, "ingestion", reading) as function:
            assert function.invoke({"Records": [message]}) == {"batchItemFailures": []}
    document = store.tenant("default").documents.find("manual", "scan.pdf")
    assert (document.status, document.page_count) == (DocumentStatus.READY, 1)


def test_a_dropped_file_is_cited_over_both_kinds_of_gateway(
    twins: Mapping[str, Path], variables: Mapping[str, str], s3: S3Server, key: str
) -> None:
    text = "O reembolso é pago em 30 dias. O prazo conta da devolução."
    change = s3.buckets[BUCKET].put("manual/prazos.md", text.encode())
    with running(twins, "ingestion", variables) as ingestion:
        message = {"messageId": "1", "eventSource": "aws:sqs", "body": json.dumps(change.notification)}
        assert ingestion.invoke({"Records": [message]}) == {"batchItemFailures": []}
    with running(twins, "api", variables) as api:
        for name in ("http-answer", "http-answer-base64", "rest-answer-base64"):
            response = api.invoke(with_key(recorded(f"apigateway/{name}"), key))
            answer = json.loads(response["body"])
            assert (response["statusCode"], answer["status"]) == (200, "answered"), answer
            assert [text[cited["source"]["start"] : cited["source"]["end"]] for cited in answer["citations"]]
            for cited in answer["citations"]:
                assert cited["quote"] == text[cited["source"]["start"] : cited["source"]["end"]]


def test_the_api_answers_recorded_events(
    twins: Mapping[str, Path], variables: Mapping[str, str], key: str
) -> None:
    with running(twins, "api", {**variables, "ACERVO_BASE_PATH": "/library"}) as function:
        for name in ("http-health", "http-health-named-stage", "rest-health"):
            response = function.invoke(recorded(f"apigateway/{name}"))
            assert (response["statusCode"], json.loads(response["body"])) == (200, {"status": "up"})
        refused = function.invoke(recorded("apigateway/http-list-collections"))
        assert refused["statusCode"] == 401
        assert json.loads(refused["body"])["request_id"] == "JKJaXmPLvHcESHA"
        created = function.invoke(with_key(recorded("apigateway/rest-create-collection"), key))
        assert (created["statusCode"], created["headers"]["location"]) == (
            201,
            "/api/v1/collections/manual-rest",
        )
        listed = function.invoke(with_key(recorded("apigateway/rest-list-collections"), key))
        assert [each["name"] for each in json.loads(listed["body"])["data"]] == ["manual-rest"]
        for name in ("http", "http-format1", "rest"):
            event = recorded(f"apigateway/{name}-create-collection-own-domain")
            event["body"] = json.dumps({"name": f"{name}-own-domain"})
            created = function.invoke(with_key(event, key))
            assert created["headers"]["location"] == f"/library/v1/collections/{name}-own-domain"


def test_a_missing_setting_is_named(twins: Mapping[str, Path], variables: Mapping[str, str]) -> None:
    without = {name: value for name, value in variables.items() if name != "ACERVO_BUCKET"}
    with (
        running(twins, "ingestion", without) as function,
        pytest.raises(FunctionFailed, match="ACERVO_BUCKET is not set"),
    ):
        function.invoke(recorded("sqs/s3-created"))


@pytest.fixture
def empty_database(server: str) -> Iterator[str]:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE unmigrated")
        yield make_conninfo(server, dbname="unmigrated")
        connection.execute("DROP DATABASE unmigrated WITH (FORCE)")


def test_the_migration_runs_once_and_outlives_updates_roll_backs_and_deletion(
    twins: Mapping[str, Path], empty_database: str
) -> None:
    with running(twins, "migration", {"DATABASE_URL": empty_database}) as function:
        created = function.invoke({"RequestType": "Create"})
        assert created["Data"] == {"Applied": len(migrations())}
        known = {"PhysicalResourceId": created["PhysicalResourceId"]}
        for request in ("Update", "Delete", "Update"):
            assert function.invoke({"RequestType": request, **known}) == {**known, "Data": {"Applied": 0}}
        made = function.invoke({"create_key": {"tenant": "acme", "name": "website"}})
        assert made["key"].startswith(SECRET_PREFIX)
    with psycopg.connect(empty_database) as connection:
        connection.execute("INSERT INTO acervo_migrations.applied (number) VALUES (9999)")
    with running(twins, "migration", {"DATABASE_URL": empty_database}) as older:
        assert older.invoke({"RequestType": "Update", **known})["Data"] == {"Applied": 0}


@pytest.fixture
def address(twins: Mapping[str, Path], variables: Mapping[str, str], tmp_path: Path) -> Iterator[str]:
    """Of `run.sh` as Lambda Web Adapter starts it; `python3` is Python 3.13 in Lambda's runtime."""
    (tmp_path / "python3").symlink_to(find_python())
    settings = {**variables, "PATH": f"{tmp_path}:{os.defpath}", "AWS_LWA_PORT": "0", "PYTHONPATH": "."}
    with subprocess.Popen(
        ["./run.sh"], cwd=twins["api"], env=settings, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        found = (re.search(r"running on (http://[\d.:]+)", line) for line in process.stderr)
        yield next(filter(None, found))[1]
        process.kill()


def test_the_same_bundle_serves_behind_the_web_adapter(address: str) -> None:
    context = recorded("apigateway/rest-unknown-path")["requestContext"]
    headers = {"x-amzn-request-context": json.dumps(context)}
    response = httpx.get(f"{address}/v1/nothing", headers=headers, timeout=30)
    assert (response.status_code, response.headers["x-request-id"]) == (401, context["requestId"])
