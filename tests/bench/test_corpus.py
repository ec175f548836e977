"""Passages from real text: what is prose, what is said twice, where a passage ends."""

import gzip
import json
from pathlib import Path

import pytest

from bench import corpus_files
from bench.corpus import extract, write
from bench.corpus_files import Page, read_folder, read_pages, roff_paragraphs
from bench.corpus_passages import Paragraphs, is_prose, passages
from rag.errors import CorruptDocument


def page(*paragraphs: str, language: str = "en") -> Page:
    return Page(path="/a.html", language=language, paragraphs=paragraphs)


def test_a_manual_page_loses_its_formatting() -> None:
    source = (
        ".TH LS 1\n.SH NAME\nls \\- list \\fIdirectory\\fR contents\n"
        '.PP\n.B "Sort entries"\nby \\*(C`name\\*(C\'.\n'
    )
    assert list(roff_paragraphs(source)) == ["ls - list directory contents", "Sort entries by name."]


def test_figures_and_short_lines_are_no_prose() -> None:
    assert is_prose("A paragraph that says something about files.")
    assert not is_prose("Short.")
    assert not is_prose("0.12 0.44 | 0.99 1.02 | 3.14 2.71 | 0.01 0.02 | 9.99")


def test_a_paragraph_is_kept_once_whatever_its_case_and_spaces() -> None:
    paragraphs = Paragraphs()
    said = "This library is free software; you may use it as you like."
    assert list(paragraphs.new([said, said.upper(), said.replace(" ", "\n")])) == [said]
    assert list(paragraphs.new([said])) == []


def test_passages_end_with_sentences_near_a_thousand_characters() -> None:
    sentences = [f"The sentence with number {number} stands in its place." for number in range(2000)]
    found = list(passages("package", [page(*sentences)], Paragraphs()))
    assert all(800 <= len(passage.text) <= 1200 and passage.text.endswith(".") for passage in found)
    joined = "\n\n".join(passage.text for passage in found)
    assert "\n\n".join(sentences).startswith(joined)


def test_twenty_passages_of_one_language_make_a_document() -> None:
    texts = [f"{number} is one of the numbers that this text counts up to. " * 18 for number in range(45)]
    pages = [page(text, language="pt" if number % 2 else "en") for number, text in enumerate(texts)]
    found = list(passages("package", pages, Paragraphs()))
    first = [passage for passage in found if passage.document == "package-en-00000"]
    assert len(first) == 20
    assert {passage.language for passage in first} == {"en"}
    assert {passage.document for passage in found} >= {"package-pt-00000", "package-en-00001"}


def test_a_folder_is_read_in_both_languages_and_the_rest_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "en.html").write_text("<h1>Files</h1><p>How the files are kept on this computer.</p>")
    (tmp_path / "pt.txt").write_text("Como os arquivos são guardados neste computador, e por quanto tempo.")
    (tmp_path / "de.txt").write_text("Wie die Dateien auf diesem Rechner aufbewahrt werden und wie lange.")
    (tmp_path / "image.png").write_bytes(b"\x89PNG")
    with gzip.open(tmp_path / "ls.1.gz", "wt") as lines:
        lines.write(".SH NAME\nList the contents of the directories that are named.\n")
    found = {item.path: (item.language, item.paragraphs) for item in read_folder(tmp_path)}
    assert found["/en.html"] == ("en", ("Files\nHow the files are kept on this computer.",))
    assert found["/pt.txt"][0] == "pt"
    assert found["/ls.1.gz"][1] == ("List the contents of the directories that are named.",)
    assert found.keys() == {"/en.html", "/pt.txt", "/ls.1.gz"}


def test_a_package_is_read_once_and_its_passages_written(tmp_path: Path) -> None:
    folder = tmp_path / "unpacked" / "some-doc"
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text(
        "\n\n".join(f"Paragraph {number} of the manual of the program." for number in range(200))
    )
    assert extract("some-doc", tmp_path) == "some-doc: 1 pages, 0 refused"
    assert extract("some-doc", tmp_path) == "some-doc: known"
    file = tmp_path / "chunks.jsonl"
    assert write(["some-doc"], tmp_path, file, 3, sets=tmp_path / "none") == 3
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line.keys() for line in lines] == [{"text", "language", "document"}] * 3
    assert lines[0]["document"] == "some-doc-en-00000"


def test_the_public_sets_come_before_packages(tmp_path: Path) -> None:
    folder = tmp_path / "sets" / "faquad_pt"
    folder.mkdir(parents=True)
    text = "Quantos dias tem o aluno para pedir a matrícula, diz o regulamento. " * 20
    (folder / "corpus.jsonl").write_text(json.dumps({"_id": "1", "title": "Regulamento", "text": text}))
    (folder / "queries.jsonl").touch()
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n")
    file = tmp_path / "chunks.jsonl"
    assert write([], tmp_path, file, 3, sets=tmp_path / "sets") == 1
    line = json.loads(file.read_text())
    assert (line["language"], line["document"]) == ("pt", "set-faquad_pt-pt-00000")


def test_lines_of_json_and_text_of_any_size_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = {"id": "a1", "title": "About files", "text": "The files are kept on this computer for ever."}
    (tmp_path / "a.jsonl").write_text(f"{json.dumps(record)}\n")
    (tmp_path / "broken.jsonl").write_text(f"{json.dumps(record)}\nno json\n")
    (tmp_path / "b.txt").write_text(
        "The first paragraph of the text.\n\n\nThe second paragraph\nof the text.\n"
    )
    monkeypatch.setattr(corpus_files, "_MOST_BYTES", 10)
    lines, plain, refused = read_pages(tmp_path)
    assert isinstance(lines, Page)
    assert isinstance(plain, Page)
    assert isinstance(refused, CorruptDocument)
    assert lines.paragraphs == ("About files\nThe files are kept on this computer for ever.",)
    assert plain.paragraphs == ("The first paragraph of the text.", "The second paragraph\nof the text.")
