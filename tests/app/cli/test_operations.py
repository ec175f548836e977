"""What an operator does about the write path, on a data directory of its own."""

from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from tests.app.cli.commands import Ended, Served, acervo
from tests.doubles.aws_server import aws_server
from tests.doubles.embeddings_server import API_KEY, embeddings_server


def drop(data_dir: Path, name: str, text: str) -> Path:
    path = data_dir / "documents" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def differences(ended: Ended) -> list[tuple[str, str, bool]]:
    return [(row["difference"], row["key"], row["repaired"]) for row in ended.json["differences"]]


def test_reconcile_shows_first_and_repairs_when_told(tmp_path: Path) -> None:
    dropped = drop(tmp_path, "notes/a.txt", "Refunds are paid within thirty days.")
    drop(tmp_path, "Not A Name/b.txt", "Text.")
    shown = acervo("--data-dir", tmp_path, "reconcile")
    assert shown.code == 1
    assert "new\tlocal\tnotes\ta.txt\tFalse" in shown.out
    assert "impossible" in shown.out
    assert "Nothing was changed" in shown.err
    repaired = acervo("--data-dir", tmp_path, "reconcile", "--apply", "--json")
    assert repaired.code == 1
    assert differences(repaired) == [("impossible", "b.txt", False), ("new", "a.txt", True)]
    found = acervo("--data-dir", tmp_path, "documents", "--json").json["data"]
    assert [(each["key"], each["status"]) for each in found] == [("a.txt", "ready")]
    dropped.unlink()
    (tmp_path / "documents" / "Not A Name" / "b.txt").unlink()
    assert differences(acervo("--data-dir", tmp_path, "reconcile", "--json")) == [("gone", "a.txt", False)]
    assert acervo("--data-dir", tmp_path, "reconcile", "--apply").code == 0
    clean = acervo("--data-dir", tmp_path, "reconcile")
    assert (clean.code, clean.out, clean.err) == (0, "", "No differences.\n")


def test_records_are_taken_in_beside_a_server(served: Served, tmp_path: Path) -> None:
    content = tmp_path / "refunds.md"
    content.write_text("# Refunds\n\nRefunds are paid within thirty days.\n")
    key = ("--data-dir", served.data_dir, "put-record", "-c", "streamed", "-k", "refunds.md")
    put = acervo(*key, content, "--metadata", '{"team": "sales"}', "--json")
    assert (put.code, put.json["status"]) == (0, "ready")
    known = acervo("--server", served.url, "documents", "-c", "streamed", "--json").json["data"]
    assert [(each["key"], each["source"]["kind"], each["metadata"]) for each in known] == [
        ("refunds.md", "kinesis", {"team": "sales"})
    ]
    refused = acervo("--server", served.url, "documents", "delete", "streamed/refunds.md")
    assert refused.code == 1
    assert "Kinesis" in refused.err
    content.write_text("Another text, by another door.")
    assert acervo("--server", served.url, "ingest", content, "-c", "streamed").code == 1
    assert acervo(*key, "--delete").out == "deleted\n"
    assert acervo("--server", served.url, "documents", "-c", "streamed", "--json").json["data"] == []


@pytest.mark.parametrize("arguments", [("--delete", "x.md"), (), ("x.md", "--metadata", "{")])
def test_a_record_that_cannot_be_understood(arguments: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "x.md").write_text("Text.")
    paths = [tmp_path / each if each == "x.md" else each for each in arguments]
    ended = acervo("--data-dir", tmp_path, "put-record", "-c", "notes", "-k", "x.md", *paths)
    assert ended.code == 2


def test_redrive_tries_again_what_can_be_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with embeddings_server() as server:
        monkeypatch.setenv("ACERVO_EMBEDDING", f"openai:{server.base_url}#model")
        monkeypatch.setenv("ACERVO_EMBEDDING_API_KEY", API_KEY)
        assert acervo("--data-dir", tmp_path, "collections", "create", "notes").code == 0
        drop(tmp_path, "notes/a.txt", "Refunds are paid within thirty days.")
        drop(tmp_path, "notes/broken.pdf", "%PDF-1.7 not really")
        monkeypatch.setenv("ACERVO_EMBEDDING_API_KEY", "wrong")
        acervo("--data-dir", tmp_path, "reconcile", "--apply")
        monkeypatch.setenv("ACERVO_EMBEDDING_API_KEY", API_KEY)
        failed = acervo("--data-dir", tmp_path, "documents", "--json").json["data"]
        assert {(each["failure"]["code"], each["failure"]["retryable"]) for each in failed} == {
            ("setting_invalid", True)
        }
        again = acervo("--data-dir", tmp_path, "redrive", "--json")
        nothing = acervo("--data-dir", tmp_path, "redrive")
    assert again.code == 1
    assert [(each["key"], each["status"]) for each in again.json["documents"]] == [
        ("a.txt", "ready"),
        ("broken.pdf", "failed"),
    ]
    assert nothing.code == 0
    assert again.json["messages"] is None


def test_redrive_needs_both_queues(tmp_path: Path) -> None:
    assert acervo("--data-dir", tmp_path, "redrive", "--queue", "https://sqs.example/queue").code == 2


def test_redrive_tells_of_records_that_the_stream_no_longer_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with aws_server() as aws, closing(aws.client("sqs")) as sqs:
        failures = sqs.create_queue(QueueName=f"failures-{uuid4().hex}")["QueueUrl"]
        sqs.send_message(QueueUrl=failures, MessageBody="Hello.")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "test")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
        command = (
            "--data-dir",
            tmp_path,
            "redrive",
            "--stream-failures",
            failures,
            "--function",
            "ingestion",
        )
        ended = acervo(*command, "--json")
    assert ended.code == 1
    assert ended.json["records"] == {"ingested": 0, "failed": 0, "gone": 1}
