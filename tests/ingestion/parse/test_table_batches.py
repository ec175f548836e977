"""Rows that are added many at a time read as if they were added one by one."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from ingestion.parse.builder import Parts, TextBuilder, clean
from ingestion.parse.tables import add_table, add_tables
from rag.domain.content import ExtractedText

_CELLS = st.sampled_from(["a", "12", "ação", "x y", "x  y", " x", "x ", "", " ", "x\ny", "\t", "日本", "|"])
_ROWS = st.lists(st.lists(_CELLS.map(clean), min_size=1, max_size=3), max_size=8)
_SAMPLE = [["name", "age", "day"], *([f"n{number}", str(number), "2026-01-01"] for number in range(199))]


def lines_of(extracted: ExtractedText) -> list[str]:
    return [extracted.text[block.start : block.end] for block in extracted.blocks]


def one_by_one(rows: Sequence[Sequence[str]]) -> list[str]:
    narrowed = ([" ".join(cell.split()) for cell in row] for row in rows)
    return [" | ".join(row).strip() for row in map(_without_empty_end, narrowed) if row]


def _without_empty_end(row: list[str]) -> list[str]:
    while row and not row[-1]:
        row.pop()
    return row


@given(_ROWS)
def test_a_table_with_its_header(rows: list[list[str]]) -> None:
    builder = TextBuilder()
    add_table(builder, [["a", "b", "c"], *rows], header_rows=1)
    extracted = builder.finish("text/csv")
    assert lines_of(extracted) == ["a | b | c", *one_by_one(rows)]
    assert [block.header for block in extracted.blocks] == [True, *[False] * (len(extracted.blocks) - 1)]


@given(_ROWS.map(lambda rows: [row for row in rows if any(map(str.strip, row))]))
def test_rows_behind_the_sample(rows: list[list[str]]) -> None:
    builder = TextBuilder()
    add_tables(builder, [*_SAMPLE, *rows])
    extracted = builder.finish("text/csv")
    assert lines_of(extracted)[len(_SAMPLE) :] == one_by_one(rows)
    assert extracted.text == "\n".join(lines_of(extracted))


def test_parts_are_handed_on_where_they_are_full() -> None:
    rows = [["name", "age"], *(["n" * 1000, str(number)] for number in range(3000))]
    parts: list[ExtractedText] = []
    builder = TextBuilder(Parts(emit=parts.append, media_type="text/csv", most_characters=10_000_000))
    add_tables(builder, rows)
    parts.append(builder.finish("text/csv"))
    whole = TextBuilder()
    add_tables(whole, rows)
    assert "".join(part.text for part in parts) == whole.finish("text/csv").text
    assert all(1_000_000 <= len(part.text) < 1_002_000 for part in parts[:-1])
