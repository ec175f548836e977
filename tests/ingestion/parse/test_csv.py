"""CSV and TSV: whatever the dialect, every cell comes out once, in its row."""

import csv
import io
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingestion.parse.builder import clean
from ingestion.parse.csv_dialect import find_dialect
from ingestion.parse.csv_reader import parse_csv, parse_tsv
from rag.domain.content import BlockKind, ExtractedText
from rag.errors import DocumentTooLarge, EmptyDocument


def rows(extracted: ExtractedText) -> list[str]:
    return [extracted.text[block.start : block.end] for block in extracted.blocks]


def headers(extracted: ExtractedText) -> list[str]:
    return [extracted.text[block.start : block.end] for block in extracted.blocks if block.header]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nome,idade\nAna,31\n", ["nome | idade", "Ana | 31"]),
        ("nome;valor\nAna;1.234,56\nBo;2,00\n", ["nome | valor", "Ana | 1.234,56", "Bo | 2,00"]),
        ("a|b\r\n1|2\r\n", ["a | b", "1 | 2"]),
        ("a\tb\n1,5\t2\n", ["a | b", "1,5 | 2"]),
        ("sep=;\na;b\n1;2\n", ["a | b", "1 | 2"]),
        ('a,b\n"x, y","say ""no"""\n', ["a | b", 'x, y | say "no"']),
        ('a,b\n"two\nlines",2\n', ["a | b", "two lines | 2"]),
        ("a,b,c\n1,2\n3,4,5,6\n", ["a | b | c", "1 | 2", "3 | 4 | 5 | 6"]),
        (
            "uma frase, com vírgula\noutra linha\nmais uma\n",
            ["uma frase, com vírgula", "outra linha", "mais uma"],
        ),
        ('a,b\n5" nail,2\n', ["a | b", '5" nail | 2']),
        ('a,b\n"open,2\nc,3\nd,4\n', ["a | b", '"open | 2', "c | 3", "d | 4"]),
    ],
)
def test_dialects(text: str, expected: list[str]) -> None:
    assert rows(parse_csv(text.encode())) == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(encoding: str) -> None:
    assert rows(parse_csv("ação;preço\npão;1,50\n".encode(encoding))) == ["ação | preço", "pão | 1,50"]


def test_a_table_without_header_has_none() -> None:
    assert headers(parse_csv(b"1,2\n3,4\n")) == []
    assert headers(parse_csv(b"a,b\n3,4\n")) == ["a | b"]


def test_all_blocks_are_rows() -> None:
    assert {block.kind for block in parse_tsv(b"a\tb\n1\t2\n").blocks} == {BlockKind.TABLE_ROW}


def test_a_row_of_a_million_characters_is_read_whole() -> None:
    body = b"a,b\n" + b"word " * 200_000 + b",1\n"
    assert parse_csv(body).text.count("word") == 200_000


def test_one_line_of_a_hundred_megabytes_is_too_large() -> None:
    with pytest.raises(DocumentTooLarge, match="Split it"):
        parse_csv(b"x," * 50_000_000)


@pytest.mark.parametrize("body", [b",,\n,,\n", b'""', b"\n"])
def test_cells_without_text_are_empty(body: bytes) -> None:
    with pytest.raises(EmptyDocument):
        parse_csv(body)


_WORDS = st.sampled_from(["prazo", "ação", "a", "0", "1", "2024", "x9", "verde"])
_CELLS = st.lists(st.one_of(_WORDS, st.sampled_from([",", ";", '"', "|", "\n", "x\ty"])), max_size=4).map(
    " ".join
)
_TABLES = st.integers(2, 6).flatmap(
    lambda width: st.lists(st.lists(_CELLS, min_size=width, max_size=width), min_size=3, max_size=6)
)


@settings(max_examples=50)
@given(
    _TABLES, st.sampled_from(",;\t|"), st.sampled_from(["\n", "\r\n"]), st.sampled_from(["utf-8", "utf-16"])
)
def test_every_cell_comes_out_once_and_in_order(
    table: list[list[str]], delimiter: str, line_end: str, encoding: str
) -> None:
    # A first row of words tells the delimiter; a last one tells that nothing is lost at the end.
    width = len(table[0])
    table = [[f"h{n}" for n in range(width)], *table, *[[f"e{n}" for n in range(width)]] * 8]
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows(table)
    found = parse_csv(written.getvalue().encode(encoding)).text.replace(" | ", " ").split()
    said = " ".join(cell for row in table for cell in row)
    assert [word for word in found if word != "|"] == [word for word in clean(said).split() if word != "|"]


@given(st.lists(st.lists(_WORDS, min_size=1, max_size=5), min_size=1, max_size=20), st.sampled_from(",;|"))
@example([["prazo", "prazo"], ["ação", "a"], ["0"]], ",")  # a repeated name is no group
def test_ragged_rows_lose_no_word(table: list[list[str]], delimiter: str) -> None:
    text = "\n".join(delimiter.join(row) for row in table)
    found = re.findall(r"[a-zà-ü0-9]+", parse_csv(text.encode()).text)
    assert found == [clean(word) for row in table for word in row]


@given(st.text(max_size=200))
def test_any_text_has_a_dialect(text: str) -> None:
    assert len(find_dialect(lambda: iter([clean(text)]), expected=",").delimiter) == 1
