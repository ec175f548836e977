"""Retrieval sets as they lie in a folder."""

from pathlib import Path

from bench.datasets import Dataset, DatasetDocument, asked_by_title, load


def test_reads_documents_queries_and_positive_judgments(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text(
        '{"_id": "1", "title": "", "text": "um"}\n{"_id": "2", "title": "T", "text": "dois"}\n'
    )
    (tmp_path / "queries.jsonl").write_text('{"_id": "a", "text": "x?"}\n{"_id": "b", "text": "y?"}\n\n')
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\na\t1\t0\na\t2\t2\nb\t1\t0\n")
    dataset = load(tmp_path)
    assert dataset.documents == (
        DatasetDocument(id="1", title=None, text="um"),
        DatasetDocument(id="2", title="T", text="dois"),
    )
    assert dataset.qrels == {"a": {"2": 2}}
    assert dataset.judged_queries == {"a": "x?"}


def test_asks_for_titles_of_one_document_which_it_lacks_then() -> None:
    titles = {"1": "Twice", "2": "Twice", "3": None, "4": "Once"}
    documents = tuple(DatasetDocument(id=each, title=title, text="x") for each, title in titles.items())
    asked = asked_by_title(Dataset(name="x", documents=documents, queries={"q": "?"}, qrels={}), 9)
    assert asked.judged_queries == {"4": "Once"}
    assert asked.qrels == {"4": {"4": 1}}
    assert [(document.id, document.title) for document in asked.documents] == [
        (each, None) for each in titles
    ]


def test_reads_the_public_sets(data: Path) -> None:
    faquad = load(data / "faquad_pt")
    assert (len(faquad.documents), len(faquad.judged_queries), faquad.name) == (249, 900, "faquad_pt")
