"""One chunk a page, a row or a document where the model takes it whole; the recursive rule elsewhere."""

from collections.abc import Generator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.analysis import AnalysedChunk, ChunkPlan, analysed
from ingestion.chunk import chunk
from ingestion.chunk_parts import chunk_parts
from ingestion.parse.reader import parse
from ingestion.units import last_header
from rag.domain.content import Block, BlockKind, Chunk, ExtractedText
from rag.domain.documents import Chunking, ChunkingStrategy

PAGE, ROW, WHOLE = ChunkingStrategy.PAGE, ChunkingStrategy.ROW, ChunkingStrategy.WHOLE


def count_words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def cut(
    extracted: ExtractedText,
    strategy: ChunkingStrategy,
    *,
    most_tokens: int = 8_192,
    max_tokens: int = 20,
    overlap_tokens: int = 0,
) -> list[Chunk]:
    chunking = Chunking(strategy=strategy, max_tokens=max_tokens, overlap_tokens=overlap_tokens)
    return list(chunk(extracted, chunking, most_tokens=most_tokens, count_tokens=count_words))


def words(text: str) -> int:
    return len(text.split())


_SENTENCES = st.integers(1, 30).map(lambda count: " ".join(["Word", *["word"] * (count - 1)]) + ".")
_KINDS = st.sampled_from([BlockKind.PARAGRAPH, BlockKind.HEADING, BlockKind.LIST_ITEM, BlockKind.TABLE_ROW])


@st.composite
def _extracted(draw: st.DrawFn) -> ExtractedText:
    """Blocks of any kind and size; pages begin between them or in their midst."""
    text, blocks = "", []
    for _ in range(draw(st.integers(1, 12))):
        kind, body = draw(_KINDS), " ".join(draw(st.lists(_SENTENCES, min_size=1, max_size=4)))
        level = draw(st.integers(1, 3)) if kind is BlockKind.HEADING else 0
        header = kind is BlockKind.TABLE_ROW and draw(st.booleans())
        start = len(text)
        text += body
        blocks.append(Block(kind=kind, start=start, end=len(text), level=level, header=header))
        text += draw(st.sampled_from(["\n", "\n\n"]))
    starts = draw(st.lists(st.integers(1, len(text) - 1), max_size=5, unique=True).map(sorted))
    pages = (0, *starts) if draw(st.booleans()) else ()
    return ExtractedText(text=text, blocks=tuple(blocks), media_type="text/plain", page_starts=pages)


@given(_extracted(), st.sampled_from(ChunkingStrategy), st.integers(3, 60), st.integers(3, 200))
def test_chunks_are_exact_and_cover_the_text_once(
    extracted: ExtractedText, strategy: ChunkingStrategy, max_tokens: int, most_tokens: int
) -> None:
    found = cut(extracted, strategy, max_tokens=max_tokens, most_tokens=most_tokens)
    covered = 0
    for ordinal, each in enumerate(found):
        assert each.ordinal == ordinal
        assert extracted.text[each.start : each.end] == each.text == each.text.strip() != ""
        assert not extracted.text[covered : each.start].strip()
        assert each.start >= covered
        covered = each.end
        assert words(each.text) <= most_tokens
    assert not extracted.text[covered:].strip()


@given(_extracted(), st.sampled_from(ChunkingStrategy), st.integers(1, 20))
def test_an_overlap_repeats_no_more_than_it_may(
    extracted: ExtractedText, strategy: ChunkingStrategy, overlap: int
) -> None:
    found = cut(extracted, strategy, max_tokens=40, most_tokens=60, overlap_tokens=overlap)
    for before, after in pairwise(found):
        assert not extracted.text[before.end : after.start].strip()
        assert words(extracted.text[after.start : before.end]) <= overlap


@given(_extracted())
def test_a_document_is_one_chunk(extracted: ExtractedText) -> None:
    [only] = cut(extracted, WHOLE)
    assert only.text == extracted.text.strip()


@given(_extracted(), st.integers(5, 100))
def test_a_page_that_fits_is_one_chunk(extracted: ExtractedText, most_tokens: int) -> None:
    found = cut(extracted, PAGE, most_tokens=most_tokens)
    for start, end in pairwise((*extracted.page_starts, len(extracted.text))):
        page = extracted.text[start:end].strip()
        inside = [each.text for each in found if start <= each.start < end]
        assert all(each.end <= end for each in found if start <= each.start < end)
        if page and words(page) <= most_tokens:
            assert inside == [page]


@given(_extracted(), st.integers(5, 100))
def test_a_row_that_fits_is_in_one_chunk_with_no_other(extracted: ExtractedText, most_tokens: int) -> None:
    found = cut(extracted, ROW, most_tokens=most_tokens)
    rows = [block for block in extracted.blocks if block.kind is BlockKind.TABLE_ROW and not block.header]
    for each in found:
        assert sum(each.start < row.end and row.start < each.end for row in rows) <= 1
    announced = {row for before, row in pairwise(extracted.blocks) if before.header or before.level}
    for row in rows:
        if row not in announced and words(extracted.text[row.start : row.end]) <= most_tokens:
            assert sum(each.start <= row.start and row.end <= each.end for each in found) == 1


def test_rows_name_their_columns() -> None:
    table = parse(b"Item,Price\npen,1\nink,22\nglue,333\n", name="prices.csv")
    found = cut(table, ROW)
    assert [each.text for each in found] == ["Item | Price\npen | 1", "ink | 22", "glue | 333"]
    assert [each.headings for each in found] == [(), ("Item | Price",), ("Item | Price",)]


def test_text_between_tables_is_cut_as_by_the_recursive_rule() -> None:
    prose = " ".join("Nine words are in this sentence and no more." for _ in range(6))
    table = "| A | B |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |"
    document = parse(f"# Report\n\n{prose}\n\n## Table\n\n{table}\n\nThe end.".encode(), name="report.md")
    found = cut(document, ROW)
    assert all(each.text.endswith("no more.") for each in found[:-3])
    assert [each.text for each in found[-3:]] == ["Table\n\nA | B\n1 | 2", "3 | 4", "The end."]
    assert found[-2].headings == ("Report", "Table", "A | B")


@pytest.mark.parametrize(("strategy", "most_tokens"), [(PAGE, 25), (ROW, 25), (WHOLE, 25), (PAGE, 8_192)])
def test_what_does_not_fit_is_cut_by_the_recursive_rule(strategy: ChunkingStrategy, most_tokens: int) -> None:
    """The last: a document without pages."""
    body = "# A\n\n" + " ".join("Five words are in here." for _ in range(12)) + "\n\n## B\n\nThe end."
    document = parse(body.encode(), name="document.md")
    recursive = cut(document, ChunkingStrategy.RECURSIVE, most_tokens=most_tokens)
    assert cut(document, strategy, most_tokens=most_tokens) == recursive


def test_the_recursive_rule_too_keeps_to_what_the_model_takes() -> None:
    document = parse(" ".join("Five words are in here." for _ in range(40)).encode(), name="a.txt")
    found = cut(document, ChunkingStrategy.RECURSIVE, max_tokens=400, most_tokens=25)
    assert max(words(each.text) for each in found) == 25


def cut_parts(texts: Sequence[str], strategy: ChunkingStrategy) -> list[Chunk]:
    """Of a table that comes in parts."""
    parts = [_table(text, names_columns=number == 0) for number, text in enumerate(texts)]
    plan = ChunkPlan(
        chunking=Chunking(strategy=strategy, max_tokens=20), most_tokens=60, title=None, language="en"
    )
    return [each.chunk for each in chunk_parts(parts, plan, _cut)]


def _cut(part: ExtractedText, plan: ChunkPlan) -> Generator[AnalysedChunk, None, str | None]:
    """As the process that reads files does it."""
    chunks = chunk(
        part,
        plan.chunking,
        most_tokens=plan.most_tokens,
        count_tokens=count_words,
        header=plan.header,
    )
    yield from analysed(chunks, plan.title, plan.language)
    return last_header(part, plan.header)


def _table(text: str, *, names_columns: bool) -> ExtractedText:
    ends = [index for index, character in enumerate(text) if character == "\n"]
    spans = pairwise((0, *(end + 1 for end in ends)))
    blocks = tuple(
        Block(kind=BlockKind.TABLE_ROW, start=start, end=end - 1, header=names_columns and start == 0)
        for start, end in spans
    )
    return ExtractedText(text=text, blocks=blocks, media_type="text/csv")


def _rows(first: int, last: int) -> str:
    return "".join(f"{number} | Ana\n" for number in range(first, last))


def test_rows_of_a_text_in_parts_are_those_of_the_whole_text() -> None:
    texts = ["number | name\n" + _rows(0, 40), _rows(40, 70), _rows(70, 71)]
    found = cut_parts(texts, ROW)
    assert found == cut_parts(["".join(texts)], ROW)
    assert [each.text for each in found] == ["number | name\n0 | Ana", *_rows(1, 71).splitlines()]
    assert {each.headings for each in found[1:]} == {("number | name",)}


def test_no_part_of_a_text_is_taken_for_the_whole_of_it() -> None:
    texts = ["number | name\n" + _rows(0, 40), _rows(40, 50)]
    assert cut_parts(texts, WHOLE) == cut_parts(texts, ChunkingStrategy.RECURSIVE)
    assert len(cut_parts(texts[1:], WHOLE)) == 1 < len(cut_parts(texts[1:], ChunkingStrategy.RECURSIVE))


@pytest.mark.parametrize("strategy", ChunkingStrategy)
def test_chunks_of_parts_are_spans_of_the_whole_text(strategy: ChunkingStrategy) -> None:
    texts = ["number | name\n" + _rows(0, 40), _rows(40, 70), _rows(70, 71)]
    found = cut_parts(texts, strategy)
    whole = "".join(texts)
    assert [each.ordinal for each in found] == list(range(len(found)))
    assert all(whole[each.start : each.end] == each.text for each in found)
    assert "".join("".join(each.text.split()) for each in found) == "".join(whole.split())
