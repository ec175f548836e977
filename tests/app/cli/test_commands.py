"""Every command against a running server."""

import os
import re
from pathlib import Path

import pytest

from tests.app.cli.commands import OnServer, Served, acervo, write_folder

QUESTION = "When are refunds paid?"


@pytest.fixture(scope="module")
def handbook(served: Served, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A collection that no test changes."""
    folder = write_folder(tmp_path_factory.mktemp("handbook"))
    assert acervo("ingest", folder, "-c", "handbook", "--server", served.url).code == 0
    return "handbook"


def test_ingest_sends_only_what_changed(on_server: OnServer, folder: Path) -> None:
    first = on_server("ingest", folder, "--collection", "changes")
    assert (first.code, first.out, first.err) == (0, "3 new.\n", "")
    second = on_server("ingest", folder, "--collection", "changes")
    assert (second.code, second.out) == (0, "3 unchanged, nothing to do.\n")
    (folder / "on-call.txt").write_text("The on-call engineer answers within ten minutes.\n")
    (folder / "férias.md.metadata.json").write_text('{"title": "Política de férias"}')
    third = on_server("ingest", folder, "--collection", "changes")
    assert (third.code, third.out) == (0, "2 updated, 1 unchanged.\n")
    listed = on_server("documents", "-c", "changes", "--json").json["data"]
    assert {(each["key"], each["title"], each["version"]) for each in listed} == {
        ("férias.md", "Política de férias", 1),
        ("on-call.txt", "On call", 2),
        ("policies/refunds.md", "Refunds", 1),
    }


def test_ingest_reports_each_failure(on_server: OnServer, tmp_path: Path) -> None:
    (tmp_path / "good.md").write_text("# Good\n\nThis can be read.\n")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7\nnot really")
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "gone.txt").symlink_to("nowhere.txt")
    (tmp_path / os.fsdecode(b"not-utf8-\xff.txt")).write_text("Its name is not text.")
    text = on_server("ingest", tmp_path, "-c", "failures")
    assert text.code == 1
    assert "failed: broken.pdf: corrupt: " in text.out
    assert "failed: empty.txt: " in text.out
    assert "failed: gone.txt: unreadable: " in text.out
    assert "failed: not-utf8-" in text.out
    assert text.out.endswith("1 new, 4 failed.\n")
    data = on_server("ingest", tmp_path, "-c", "failures", "--json")
    assert data.code == 1
    assert (data.json["unchanged"], data.json["failed"]) == (1, 4)
    outcomes = {each["key"]: each["outcome"] for each in data.json["documents"]}
    assert (outcomes["broken.pdf"], outcomes["good.md"]) == ("failed", "unchanged")


def test_ingest_without_waiting(on_server: OnServer, folder: Path) -> None:
    sent = on_server("ingest", folder, "-c", "hasty", "--prefix", "a/", "--no-wait")
    assert (sent.code, sent.out) == (0, "3 new; indexing goes on in the server.\n")


def test_ask_prints_numbered_citations(on_server: OnServer, handbook: str) -> None:
    told = on_server("ask", QUESTION, "-c", handbook, "--no-stream")
    assert told.code == 0
    assert "Refunds are paid within 30 days of purchase. [1]" in told.out
    assert '[1] Refunds, "Refunds are paid within 30 days of purchase."' in told.out
    assert "\x1b" not in told.out
    assert on_server("ask", QUESTION, "-c", handbook, "--stream").out == told.out


def test_ask_as_json(on_server: OnServer, handbook: str) -> None:
    answer = on_server("ask", QUESTION, "-c", handbook, "--json").json
    assert answer["status"] == "answered"
    assert [citation["verified"] for citation in answer["citations"]] == [True]


def test_ask_without_evidence_is_no_failure(on_server: OnServer, handbook: str) -> None:
    told = on_server("ask", "Which telescope photographed a black hole first?", "-c", handbook, "--json")
    assert told.code == 0
    assert told.json["status"] == "insufficient_evidence"


def test_search(on_server: OnServer, handbook: str) -> None:
    told = on_server("search", "pedido de férias", "-c", handbook, "--top-k", "1", "--mode", "keyword")
    assert told.code == 0
    assert told.out.startswith(f"1. {handbook}/férias.md")
    operations = '{"field": "metadata.team", "op": "eq", "value": "operations"}'
    found = on_server("search", "minutes", "-c", handbook, "--filter", operations, "--json").json["data"]
    assert {passage["document"]["key"] for passage in found} == {"on-call.txt"}


def test_a_filter_that_cannot_be_honoured(on_server: OnServer) -> None:
    refused = on_server("search", "x", "--filter", '{"field": "colour", "op": "eq", "value": 1}')
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("acervo: ")


def test_documents_are_listed(on_server: OnServer, handbook: str) -> None:
    lines = on_server("documents", "-c", handbook, "--key-prefix", "policies/").out.splitlines()
    assert lines[0].split("\t")[:3] == ["COLLECTION", "KEY", "STATUS"]
    assert [line.split("\t")[:4] for line in lines[1:]] == [
        [handbook, "policies/refunds.md", "ready", "Refunds"]
    ]


def test_documents_are_deleted(on_server: OnServer, folder: Path) -> None:
    assert on_server("ingest", folder / "on-call.txt", "-c", "deletions").code == 0
    assert on_server("documents", "delete", "deletions/on-call.txt").code == 0
    assert on_server("documents", "-c", "deletions", "--json").json == {"data": []}
    again = on_server("documents", "delete", "deletions/on-call.txt")
    assert again.code == 1
    assert "`acervo documents -c deletions`" in again.err


def test_why_tells_history_and_remedy(on_server: OnServer, tmp_path: Path) -> None:
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7\nnot really")
    on_server("ingest", tmp_path / "broken.pdf", "-c", "reasons")
    told = on_server("why", "reasons/broken.pdf")
    assert told.code == 0
    assert re.search(r"version 1  accepted", told.out)
    assert "failed with corrupt" in told.out
    assert "what to do: " in told.out
    assert on_server("documents", "retry", "reasons/broken.pdf").code == 1
    history = on_server("why", "reasons/broken.pdf", "--json").json["history"]
    assert [entry["event"] for entry in history].count("failed") == 2


def test_why_explains_a_search(on_server: OnServer, handbook: str) -> None:
    found = on_server("why", f"{handbook}/policies/refunds.md", "--query", "refunds", "-c", handbook)
    assert "the search finds it at rank 1" in found.out
    nobody = '{"field": "metadata.team", "op": "eq", "value": "nobody"}'
    hidden = on_server(
        "why", f"{handbook}/policies/refunds.md", "--query", "refunds", "--filter", nobody, "--json"
    ).json["explanation"]
    assert hidden["found"] is False
    assert "filtered_out" in {reason["code"] for reason in hidden["reasons"]}


def test_a_collection_s_documents_are_cut_anew(on_server: OnServer, folder: Path) -> None:
    created = on_server(
        "collections", "create", "cut", "--chunking", "page", "--overlap-tokens", "9", "--json"
    )
    expected = {"strategy": "page", "max_tokens": 400, "overlap_tokens": 9, "jsonl": "one_document"}
    assert created.json["chunking"] == expected
    assert on_server("ingest", folder, "-c", "cut").code == 0
    changed = on_server("collections", "change", "cut", "--chunking", "whole")
    assert changed.out == "Changed the collection cut; 3 documents are cut anew.\n"
    settled = on_server("collections", "change", "cut", "--max-tokens", "300", "--json")
    assert settled.json["chunking"] == {**expected, "strategy": "whole", "max_tokens": 300}
    nothing = on_server("collections", "change", "cut")
    assert (nothing.code, nothing.out) == (2, "")


def test_collections_are_created_listed_and_deleted(on_server: OnServer) -> None:
    assert on_server("collections", "create", "leis", "--language", "pt", "--description", "Leis").code == 0
    assert "leis\t0\tpt\tLeis\n" in on_server("collections").out
    unsure = on_server("collections", "delete", "leis")
    assert unsure.code == 2
    assert "--yes" in unsure.err
    assert on_server("collections", "delete", "leis", "--yes").code == 0
    assert on_server("collections", "delete", "leis", "--yes").code == 1


def test_an_impossible_collection_name(on_server: OnServer) -> None:
    refused = on_server("collections", "create", "Leis")
    assert refused.code == 2
    assert "a-z" in refused.err


def test_doctor_finds_the_server_ready(on_server: OnServer) -> None:
    checks = on_server("doctor", "--json").json
    assert checks["ok"] is True
    assert {check["name"] for check in checks["checks"]} == {"Python", "server"}
