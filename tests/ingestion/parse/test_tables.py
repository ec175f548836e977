"""Which rows of a table name its columns is told by what stands in them."""

from collections.abc import Sequence

import pytest

from ingestion.parse.builder import TextBuilder
from ingestion.parse.media_type import CSV
from ingestion.parse.tables import add_tables, header_size, joined_header
from rag.domain.content import BlockKind


def added(rows: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    """The blocks as (kind or "header", text)."""
    builder = TextBuilder()
    add_tables(builder, rows)
    extracted = builder.finish(CSV)
    return [
        ("header" if block.header else block.kind.value, extracted.text[block.start : block.end])
        for block in extracted.blocks
    ]


@pytest.mark.parametrize(
    ("rows", "size"),
    [
        ([["name", "age"], ["Ana", "31"], ["Bo", "4"]], 1),
        ([["Ana", "31"], ["Bo", "4"]], 0),
        ([["2024-01-01", "31"], ["2024-01-02", "4"]], 0),
        ([["name", "city"], ["Ana", "Recife"], ["Bo", "Natal"]], 1),
        ([["Ana", "Recife"], ["Bo", "Recife"], ["Ana", "Natal"]], 0),
        ([["Country", "2022", "2023"], ["Brazil", "1.9", "2.2"]], 1),
        ([["Ana", "2022"], ["Bo", "2023"]], 0),
        ([["ana@example.com", "Recife"], ["bo@example.com", "Natal"]], 0),
        ([["Nome:", "Ana"], ["Cidade:", "Recife"]], 0),
        ([["price"], ["R$ 1.234,56"], ["R$ 2,00"]], 1),
        ([["alone"], ["words"], ["only"]], 0),
        ([["a", "b"]], 0),
        ([["Region", "Sales", ""], ["", "2023", "2024"], ["North", "1", "2"]], 2),
        ([["Region", "Sales", "Sales"], ["Region", "gross", "net"], ["North", "1", "2"]], 2),
        ([["Produto", "Preço", "Estoque"], ["Caneta", "R$ 2,50", "10"], ["Lápis", "R$ 1,00", "5"]], 1),
        ([["day", "open"], ["2024-01-01", "true"], ["2024-01-02", "false"]], 1),
    ],
)
def test_header_size(rows: list[list[str]], size: int) -> None:
    assert header_size(rows, merged=True) == size


def test_header_rows_are_joined_and_say_nothing_twice() -> None:
    assert joined_header([["Region", "Sales", "Sales"], ["Region", "2023", "2024"]]) == [
        "Region",
        "Sales / 2023",
        "Sales / 2024",
    ]


def test_titles_stand_above_and_empty_rows_and_columns_are_dropped() -> None:
    rows = [
        ["Vendas", "", "", ""],
        ["mês", "", "total", ""],
        ["jan", "", "10", ""],
        ["fev", "", "", ""],
        ["", "", "", ""],
        ["cidade", "", "uf", ""],
        ["Recife", "", "PE", ""],
    ]
    assert added(rows) == [
        ("paragraph", "Vendas"),
        ("header", "mês | total"),
        ("table_row", "jan | 10"),
        ("table_row", "fev"),
        ("header", "cidade | uf"),
        ("table_row", "Recife | PE"),
    ]


def test_a_column_that_fills_late_is_not_lost() -> None:
    rows = [
        ["name", "", "age"],
        *[[f"n{number}", "", str(number)] for number in range(300)],
        ["z", "late", "1"],
    ]
    assert added(rows)[-1] == ("table_row", "z | late | 1")


def test_rows_after_an_empty_one_stay_under_their_header() -> None:
    rows = [["name", "age"], ["Ana", "31"], [""], ["Bo", "4"]]
    builder = TextBuilder()
    add_tables(builder, rows)
    assert builder.finish(CSV).text == "name | age\nAna | 31\nBo | 4"


def test_a_cell_of_several_lines_is_one_line() -> None:
    assert added([["a", "b"], ["one\n  two", "2"]])[1] == (BlockKind.TABLE_ROW.value, "one two | 2")
