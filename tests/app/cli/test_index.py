"""The indexes of a collection around a bulk load, seen by an operator."""

from pathlib import Path

from tests.app.cli.commands import acervo, write_folder


def test_an_index_is_dropped_and_built(tmp_path: Path) -> None:
    data = ("--data-dir", tmp_path / "data")
    ingested = acervo(*data, "ingest", write_folder(tmp_path / "files"), "--collection", "handbook")
    assert ingested.code == 0, ingested.err
    before = acervo(*data, "index", "status", "handbook", "--json").json
    assert before["chunks"] == before["waiting"] > 0
    assert (before["vector_index"], before["automatic"]) == (False, True)
    built = acervo(*data, "index", "build", "handbook", "--memory", "64", "--json")
    assert built.code == 0, built.err
    assert (built.json["waiting"], built.json["segments"], built.json["vector_index"]) == (0, 1, True)
    found = acervo(*data, "search", "how long do refunds take", "--json").json
    assert found["data"][0]["document"]["key"] == "policies/refunds.md"
    dropped = acervo(*data, "index", "drop", "handbook", "--json").json
    assert (dropped["vector_index"], dropped["automatic"]) == (False, False)
    assert acervo(*data, "search", "how long do refunds take", "--json").json["data"] == found["data"]
    unknown = acervo(*data, "index", "build", "nothing")
    assert unknown.code != 0
    assert "nothing" in unknown.err
