"""Chunks are exact spans of the text, cut along its structure."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
import wordllama
from hypothesis import given
from hypothesis import strategies as st

from ingestion.chunk import chunk
from ingestion.parse.reader import parse
from ingestion.units import CountTokens
from rag.domain.content import Block, BlockKind, Chunk, ExtractedText
from rag.domain.documents import Chunking


def count_words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def count_characters(texts: Sequence[str]) -> list[int]:
    return [len(text) for text in texts]


def chunks_of(markdown: str, max_tokens: int = 40, overlap_tokens: int = 0) -> list[Chunk]:
    extracted = parse(markdown.encode(), name="document.md")
    return cut(extracted, Chunking(max_tokens=max_tokens, overlap_tokens=overlap_tokens))


def cut(
    extracted: ExtractedText,
    chunking: Chunking,
    count_tokens: CountTokens = count_words,
    most_tokens: int = 8_192,
) -> list[Chunk]:
    return list(chunk(extracted, chunking, most_tokens=most_tokens, count_tokens=count_tokens))


def sentence(words: int, mark: str = "word") -> str:
    return " ".join([mark.capitalize(), *[mark] * (words - 1)]) + "."


def test_a_short_document_is_one_chunk() -> None:
    [only] = chunks_of("# Title\n\nOne sentence. Another one.")
    assert only.text == "Title\n\nOne sentence. Another one."
    assert only.headings == ("Title",)
    assert only.page is None


def test_a_section_ends_its_chunk() -> None:
    found = chunks_of(f"# A\n\n{sentence(12)}\n\n## B\n\n{sentence(5)}\n\n## C\n\n{sentence(5)}")
    assert [each.headings for each in found] == [("A",), ("A", "B"), ("A", "C")]


def test_a_short_introduction_stays_with_the_first_section_under_it() -> None:
    found = chunks_of(f"# A\n\n{sentence(5)}\n\n## B\n\n{sentence(20)}\n\n## C\n\n{sentence(5)}")
    assert [each.headings for each in found] == [("A",), ("A", "C")]
    assert "B" in found[0].text.split()


def test_a_heading_is_never_the_last_line_when_its_body_follows() -> None:
    found = chunks_of(f"# A\n\n{sentence(39)} {sentence(39)}", max_tokens=40)
    assert found[0].text.startswith("A\n\nWord")
    assert all(len(each.text.split()) <= 40 for each in found)


def test_sentences_stay_whole() -> None:
    found = chunks_of(" ".join(sentence(9) for _ in range(20)))
    assert all(each.text.startswith("Word") and each.text.endswith(".") for each in found)
    assert 5 <= len(found) <= 10


def test_the_last_chunk_is_not_tiny() -> None:
    found = chunks_of(" ".join(sentence(5) for _ in range(9)))
    assert [len(each.text.split()) for each in found] in ([20, 25], [25, 20])


@pytest.mark.parametrize("words", [45, 60, 75])
def test_what_two_chunks_hold_is_cut_in_two(words: int) -> None:
    found = chunks_of(" ".join(sentence(5) for _ in range(words // 5)))
    assert [abs(len(each.text.split()) - words / 2) <= 5 for each in found] == [True, True]


def test_paragraph_ends_are_preferred() -> None:
    first, second = sentence(10) + " " + sentence(12), sentence(10) + " " + sentence(14)
    assert [each.text for each in chunks_of(f"{first}\n\n{second}")] == [first, second]


def test_table_rows_stay_whole_and_later_chunks_name_the_header_row() -> None:
    rows = "\n".join(f"| item {n} | price {n} |" for n in range(20))
    found = chunks_of(f"# Prices\n\n| Item | Price |\n|---|---|\n{rows}", max_tokens=30)
    assert len(found) > 2
    assert found[0].headings == ("Prices",)
    assert all(each.headings == ("Prices", "Item | Price") for each in found[1:])
    assert all(line.count("|") == 1 for each in found[1:] for line in each.text.splitlines())


def test_the_header_row_of_one_table_is_not_that_of_the_next() -> None:
    table = "| A | B |\n|---|---|\n| 1 | 2 |"
    found = chunks_of(f"{table}\n\n{sentence(30)}\n\n{sentence(30)}")
    assert found[-1].headings == ()


def test_list_items_stay_whole() -> None:
    items = "\n".join(f"- {sentence(6)} {sentence(6)}" for _ in range(8))
    assert all(each.text.startswith("- ") for each in chunks_of(items))


def test_a_line_that_announces_a_list_stays_with_it() -> None:
    text = f"{sentence(30)}\n\nThese five words announce it:\n\n- {sentence(20)}\n- {sentence(10)}"
    assert [each.text.startswith("These five") for each in chunks_of(text)] == [False, True]


def test_a_long_sentence_is_cut_between_clauses_and_never_in_a_number() -> None:
    text = " ".join(f"the price of 1 234 567 reais is due on day {n}," for n in range(30))
    found = chunks_of(text)
    assert all(len(each.text.split()) <= 44 for each in found)
    assert all(each.text.endswith(",") for each in found)


def test_a_word_longer_than_a_chunk_is_cut() -> None:
    extracted = parse(b"x" * 1000, name="a.txt")
    found = cut(extracted, Chunking(max_tokens=64), count_characters)
    assert "".join(each.text for each in found) == "x" * 1000
    assert all(len(each.text) <= 64 for each in found)


def test_overlap_repeats_whole_sentences_within_the_section() -> None:
    body = " ".join(f"S{n} " + sentence(9) for n in range(12))
    found = chunks_of(f"# A\n\n{body}\n\n# B\n\n{body}", max_tokens=50, overlap_tokens=12)
    assert all(len(each.text.split()) <= 50 for each in found)
    for before, after in pairwise(found):
        assert (after.start < before.end) == (after.headings == before.headings)


def test_pages() -> None:
    text = "Alpha beta.\n\nGamma delta epsilon.\n\nZeta."
    extracted = ExtractedText(
        text=text,
        blocks=(
            Block(kind=BlockKind.PARAGRAPH, start=0, end=11),
            Block(kind=BlockKind.PARAGRAPH, start=13, end=33),
            Block(kind=BlockKind.PARAGRAPH, start=35, end=40),
        ),
        media_type="application/pdf",
        page_starts=(0, 13, 19, 35, 40),
    )
    found = cut(extracted, Chunking(max_tokens=3))
    assert [(each.page, each.page_breaks) for each in found] == [(1, ()), (2, (19,)), (4, ())]


def test_text_between_blocks_is_not_lost() -> None:
    extracted = ExtractedText(text="Lost one. Kept.\n\nLost two.", blocks=(), media_type="text/plain")
    found = cut(extracted, Chunking(max_tokens=3))
    assert [each.text for each in found] == ["Lost one. Kept.", "Lost two."]


_WORDS = st.sampled_from(
    ["palavra", "Word", "1.234,56", "Art.", "5º", "fim.", "Dr.", "ok?", "日本語。", "a,"]
)
_LINES = st.lists(_WORDS, min_size=1, max_size=25).map(" ".join)
_BLOCKS = st.one_of(
    _LINES,
    st.tuples(st.integers(1, 4), _LINES).map(lambda pair: "#" * pair[0] + " " + pair[1]),
    st.lists(_LINES, min_size=1, max_size=4).map(lambda items: "\n".join(f"- {item}" for item in items)),
    st.lists(st.tuples(_WORDS, _WORDS), min_size=2, max_size=6).map(
        lambda rows: "\n".join(["| A | B |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows)])
    ),
    _LINES.map(lambda line: f"```\n{line}\n{line}\n```"),
)


@given(st.lists(_BLOCKS, min_size=1, max_size=15).map("\n\n".join), st.integers(1, 60), st.integers(0, 40))
def test_chunks_are_exact_and_cover_the_text(markdown: str, max_tokens: int, overlap: int) -> None:
    extracted = parse(markdown.encode(), name="document.md")
    for overlap_tokens in (0, overlap):
        found = cut(extracted, Chunking(max_tokens=max_tokens, overlap_tokens=overlap_tokens))
        assert_exact(extracted, found)
        assert all(len(each.text.split()) <= max_tokens for each in found)
    plain = cut(extracted, Chunking(max_tokens=max_tokens))
    assert all(before.end <= after.start for before, after in pairwise(plain))


def assert_exact(extracted: ExtractedText, found: Sequence[Chunk]) -> None:
    covered = 0
    for ordinal, each in enumerate(found):
        assert each.ordinal == ordinal
        assert extracted.text[each.start : each.end] == each.text == each.text.strip() != ""
        assert not extracted.text[covered : each.start].strip()
        covered = max(covered, each.end)
    assert not extracted.text[covered:].strip()


@pytest.fixture(scope="module")
def model() -> wordllama.WordLlamaInference:
    return wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)


def test_sums_of_sentences_are_near_the_true_counts(model: wordllama.WordLlamaInference) -> None:
    def count(texts: Sequence[str]) -> list[int]:
        return [sum(each.attention_mask) for each in model.tokenize(list(texts))]

    clauses = "\n\n".join(
        f"# Cláusula {n}\n\nO prazo de pagamento é de {n} dias úteis, contados do recebimento da nota fiscal "
        f"nº 1.{n:03}/2026. Em caso de atraso, incidem multa de 2% e juros; ver Art. {n}º, § 1º. " * 4
        for n in range(1, 20)
    )
    body = clauses + "\n\n# Sumário\n\n" + "\n\n".join(f"{n}.\n\nItem" for n in range(300))
    found = cut(parse(body.encode(), name="a.md"), Chunking(max_tokens=100), count)
    assert max(count([each.text for each in found])) <= 110
