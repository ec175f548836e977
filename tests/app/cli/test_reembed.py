"""A collection's embedding model changed by an operator, from the first word to the last."""

from pathlib import Path

import pytest

from tests.app.cli.commands import acervo, write_folder
from tests.doubles.embeddings_server import API_KEY, DIMENSIONS, embeddings_server


@pytest.mark.timeout(300)
def test_a_collection_changes_its_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = ("--data-dir", tmp_path / "data")
    ingested = acervo(*data, "ingest", write_folder(tmp_path / "files"), "--collection", "handbook")
    assert ingested.code == 0, ingested.err
    unknown = acervo(*data, "reembed", "handbook", "--model", "bag-of-words")
    assert unknown.code != 0
    assert "ACERVO_EMBEDDING_OTHERS" in unknown.err
    assert acervo(*data, "reembed", "handbook", "--switch", "--confirm").code == 2
    with embeddings_server() as server:
        monkeypatch.setenv("ACERVO_EMBEDDING_OTHERS", f"openai:{server.base_url}#bag-of-words")
        monkeypatch.setenv("ACERVO_EMBEDDING_API_KEY", API_KEY)
        made = acervo(*data, "reembed", "handbook", "--model", "bag-of-words", "--now", "--json")
        assert made.code == 0, made.err
        assert made.json["embedded"] == made.json["chunks"] > 0
        assert (made.json["status"], made.json["other_dimensions"]) == ("embedding", DIMENSIONS)
        switched = acervo(*data, "reembed", "handbook", "--switch", "--json").json
        assert (switched["status"], switched["serving"]) == ("switched", "bag-of-words")
        asked = len(server.requests)
        found = acervo(*data, "search", "refunds are paid", "--mode", "semantic", "--json")
        assert found.json["data"][0]["document"]["key"] == "policies/refunds.md"
        assert len(server.requests) > asked, "the question is embedded with the new model"
        back = acervo(*data, "reembed", "handbook", "--rollback", "--json").json
        assert (back["status"], back["other"]) == ("embedding", "bag-of-words")
        cancelled = acervo(*data, "reembed", "handbook", "--cancel")
        assert cancelled.code == 0
        assert "discarding" in cancelled.out
