"""The parts of bench.search that decide what is right, and the whole on a little corpus."""

import json
import math
import random
import time
from array import array
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.corpus_passages import Passage, halves
from bench.search import main
from bench.search_corpus import Corpus, headings, make_questions, read_corpus, sentences
from bench.search_database import Database, group_of, new_document
from bench.search_exact import Bm25, Ranking, nearest
from bench.search_measure import Outcome, overlap, percentiles
from bench.search_mixed import Found, stale, steps, write_and_delete
from bench.search_prepared import Prepared, analysed, prepare
from bench.search_report import bars, table
from bench.search_vectors import embed
from rag.adapters.local.wordllama import WordLlamaEmbedder
from rag.text.terms import analyse, query_terms

WORDS = ["archive", "bucket", "chapter", "digest", "engine", "folder", "harbour", "island", "ledger"]


def passage(text: str, document: str = "a", language: str = "en") -> Passage:
    return Passage(text=text, language=language, document=document)


def prepared(passages: list[Passage]) -> Prepared:
    terms = [analysed(item) for item in passages]
    return Prepared(
        vectors=embed([item.text for item in passages]),
        codes=np.concatenate([np.asarray(item, np.int64) for item in terms]),
        bounds=np.cumsum([0, *map(len, terms)]),
        seconds=0.0,
    )


def made_up(count: int) -> list[Passage]:
    source = random.Random(3)
    texts = (" ".join(source.choices(WORDS, k=source.randint(5, 30))) for _ in range(count))
    return [passage(text, document=f"d{number // 20:04d}") for number, text in enumerate(texts)]


def test_terms_are_those_of_each_passage() -> None:
    found = prepared([passage("one folder, one ledger"), passage("two islands")])
    assert found.terms(0) == analysed(passage("one folder, one ledger"))
    assert isinstance(found.terms(1), array)


def test_what_was_prepared_is_read_again_and_never_for_other_passages(tmp_path: Path) -> None:
    passages = made_up(30)
    first = prepare(passages, tmp_path)
    again = prepare(passages, tmp_path)
    assert again.seconds == first.seconds
    assert again.terms(29) == first.terms(29) == analysed(passages[29])
    assert np.array_equal(again.vectors, embed([item.text for item in passages]))
    with pytest.raises(ValueError, match="remove it"):
        prepare([*passages[:-1], passage("another text")], tmp_path)


def test_exhaustive_bm25_is_bm25() -> None:
    passages = made_up(60)
    question = "which engine keeps the ledger of the island"
    found = Bm25(prepared(passages), [question], ["en"]).best(question)
    expected = plain_bm25([item.text for item in passages], question)
    assert dict(zip(found.numbers, found.scores, strict=True)) == pytest.approx(expected)
    assert list(found.scores) == sorted(found.scores, reverse=True)


def plain_bm25(texts: list[str], question: str) -> dict[int, float]:
    counted = [Counter(analyse(text, "en")) for text in texts]
    average = sum(counts.total() for counts in counted) / len(texts)
    scores: dict[int, float] = {}
    for term in query_terms(question, ["en"]):
        holding = [number for number, counts in enumerate(counted) if counts[term]]
        idf = math.log(1 + (len(texts) - len(holding) + 0.5) / (len(holding) + 0.5))
        for number in holding:
            norm = 1.2 * (0.25 + 0.75 * counted[number].total() / average)
            frequency = counted[number][term]
            scores[number] = scores.get(number, 0.0) + idf * frequency * 2.2 / (frequency + norm)
    return scores


def test_nearest_by_cosine_among_those_allowed() -> None:
    vectors = np.array([[1, 0], [0, 2], [3, 3], [-1, 0]], np.float16)
    query = np.array([[1, 0.1]], np.float16)
    assert nearest(vectors, query)[0].numbers == [0, 2, 1, 3]
    allowed = np.array([False, True, True, False])
    assert nearest(vectors, query, allowed=allowed)[0].numbers == [2, 1]


def test_overlap_counts_what_ties_with_the_last() -> None:
    right = Ranking(numbers=[4, 5, 6, 7], scores=[3.0, 2.0, 1.0, 1.0])
    assert right.overlap([4, 5, 7], 3) == 1.0
    assert right.overlap([4, 9, 8], 3) == pytest.approx(1 / 3)
    assert right.overlap([], 3) == 0.0
    assert Ranking(numbers=[], scores=[]).overlap([1], 3) == 1.0
    outcomes = [Outcome(question="q", found=[4, 5], milliseconds=1.0)]
    assert overlap(outcomes, {"q": right}) == 0.5


def test_percentiles() -> None:
    outcomes = [Outcome(question="", found=(), milliseconds=float(number)) for number in range(101)]
    assert percentiles(outcomes) == {"p50_ms": 50.0, "p95_ms": 95.0, "p99_ms": 99.0}


def test_rotated_vectors_keep_their_cosines() -> None:
    texts = ["a ledger of islands", "the harbour's ledger", "um arquivo"]
    short = np.asarray(WordLlamaEmbedder().embed_documents(texts))
    long = embed(texts).astype(np.float32)
    assert long.shape == (3, 1024)
    assert long @ long.T == pytest.approx(short @ short.T, abs=2e-3)


def test_sentences_and_headings_of_a_passage() -> None:
    text = "Sorting the entries\nThe entries are sorted by their names. See below.\n\nx = {1: 2}\n>>> f(x)"
    assert sentences(text) == ["Sorting the entries The entries are sorted by their names."]
    assert headings(text) == ["Sorting the entries"]


def test_questions_are_the_same_each_time_and_not_of_the_index(tmp_path: Path) -> None:
    indexed = [passage(f"The indexed sentence {number} says nothing new." * 20) for number in range(5)]
    held_out = [
        passage(
            f"Heading number {word}\nWhat the {word} does is told here, in a sentence.", language=language
        )
        for word in WORDS
        for language in ("en", "pt")
    ]
    corpus = Corpus(passages=indexed, held_out=held_out)
    questions = make_questions(corpus, 30, shared=tmp_path)
    assert questions == make_questions(corpus, 30, shared=tmp_path)
    assert {question.kind for question in questions} == {"asked", "heading", "sentence"}
    assert all(3 <= len(question.text.split()) <= 60 for question in questions)
    assert not any("indexed" in question.text for question in questions)


def test_what_is_held_out_begins_with_another_document(tmp_path: Path) -> None:
    file = corpus_file(tmp_path, made_up(1_240))
    corpus = read_corpus(tmp_path, 30)
    assert len(corpus.passages) == 30
    assert corpus.held_out[0].document == "d0002"
    assert read_corpus(file, 30) == corpus
    assert corpus.recombined == 0
    with pytest.raises(ValueError, match="for questions are needed"):
        read_corpus(corpus_file(tmp_path, made_up(1_000)), 30)


def test_where_text_is_short_halves_make_new_passages_and_are_counted(tmp_path: Path) -> None:
    file = corpus_file(tmp_path, made_up(1_240))
    corpus = read_corpus(file, 1_000)
    own, made = corpus.passages[: -corpus.recombined], corpus.passages[-corpus.recombined :]
    assert len(corpus.passages) == 1_000
    assert not {item.document for item in made} & {item.document for item in own}
    firsts, seconds = zip(*(halves(item.text) for item in own), strict=True)
    assert all(item.text.startswith(firsts) and item.text.endswith(seconds) for item in made)
    assert not {item.document for item in corpus.held_out} & {item.document for item in own}
    assert read_corpus(file, 1_000) == corpus
    with pytest.raises(ValueError, match="give more text"):
        read_corpus(file, 1_000_000)


def test_groups_have_the_shares_that_they_are_named_after() -> None:
    counts = Counter(group_of(number) for number in range(1_000))
    assert {name: count / 1_000 for name, count in counts.items()} == {
        "0.01": 0.01,
        "0.1": 0.1,
        "0.5": 0.5,
        "rest": 0.39,
    }


def test_a_passing_document_is_written_sometimes_replaced_and_deleted() -> None:
    assert list(steps(10, 8.0)) == [(0.2, 10, 0), (4.2, 10, 1), (8.2, 10, 2)]
    assert [step for _, _, step in steps(11, 8.0)] == [0, 2]


def test_what_is_done_after_the_searches_is_done_but_not_counted(tmp_path: Path) -> None:
    with closing(Database(tmp_path)) as database:
        database.collection()
        late = new_document("late", made_up(2), group="mixed")
        done = write_and_delete(database.conninfo, [late], 1, time.monotonic() - 100, 0)
    assert (done.written, done.deleted, done.errors) == (0, 0, [])
    assert {key for key, _ in done.gone} == {f"late-{number}" for number in range(0, 50, 4)}


def test_a_version_is_stale_in_searches_that_began_after_it_had_gone() -> None:
    before = Found(started=4.0, milliseconds=9.0, versions=[("a", 1)])
    after = Found(started=6.0, milliseconds=9.0, versions=[("a", 1), ("a", 2), ("b", 1)])
    assert stale([before, after], {("a", 1): 5.0, ("b", 1): 7.0}) == [("a", 1)]


def corpus_file(folder: Path, passages: list[Passage]) -> Path:
    file = folder / "chunks.jsonl"
    lines = ({"text": item.text, "language": item.language, "document": item.document} for item in passages)
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return file


def test_the_whole_on_a_little_corpus(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus_file(tmp_path, made_up(1_700))
    arguments = ["--corpus", str(tmp_path), "--chunks", "400", "--questions", "12", "--json"]
    main([*arguments, "--data-dir", str(tmp_path / "data"), "--mixed", "--seconds", "1"])
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert report["chunks"] == 400
    assert report["keyword"]["overlap@10"] >= 0.97
    assert report["semantic"]["recall@10"] >= 0.9
    assert report["filtered"].keys() == {"0.01", "0.1", "0.5"}
    assert report["filtered"]["0.5"]["rows_least"] == 10
    assert report["clients"].keys() == {"1", "4", "8"}
    assert report["mixed"]["stale"] == 0
    assert report["mixed"]["errors"] == {}
    assert {bar.name for bar in bars(report)} >= {"semantic recall@10", "mixed: deadlocks"}
    assert "What must hold" in table(report)
