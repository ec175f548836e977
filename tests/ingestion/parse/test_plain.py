"""Plain text: encodings, paragraphs, lists."""

import pytest

from ingestion.parse.encoding import decode
from ingestion.parse.plain import parse_plain
from rag.domain.content import BlockKind

_PORTUGUESE = "Não há exceções: a função “início” devolve só três páginas à Sra. Conceição."


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_encodings(encoding: str) -> None:
    assert decode(_PORTUGUESE.encode(encoding)) == _PORTUGUESE


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1251", "Все люди рождаются свободными и равными в своем достоинстве и правах. " * 3),
        (
            "shift_jis",
            "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。" * 3,
        ),
    ],
)
def test_other_scripts_are_detected(encoding: str, text: str) -> None:
    assert decode(text.encode(encoding)) == text


def test_a_few_broken_bytes_do_not_make_it_another_encoding() -> None:
    assert decode((_PORTUGUESE * 5).encode() + b"\xc3") == _PORTUGUESE * 5 + "�"


def test_paragraphs_and_lists() -> None:
    extracted = parse_plain(b"First\r\nparagraph.\r\n\r\n\r\nItems:\n- one\n- two\n  wrapped\n\nEnd")
    assert extracted.text == "First\nparagraph.\n\nItems:\n\n- one\n- two\n  wrapped\n\nEnd"
    assert [block.kind for block in extracted.blocks] == [
        BlockKind.PARAGRAPH,
        BlockKind.PARAGRAPH,
        BlockKind.LIST_ITEM,
        BlockKind.LIST_ITEM,
        BlockKind.PARAGRAPH,
    ]


def test_lines_too_long_to_be_wrapped_are_paragraphs() -> None:
    line = "Uma linha longa. " * 20
    assert len(parse_plain(f"{line}\n{line}\n".encode()).blocks) == 2


def test_characters_that_cannot_be_stored_or_searched_are_mended() -> None:
    text = parse_plain("e\u0301 \ufb01m so\u00adft a\u00a0b \x00nul \ufeff1 \uf0b7 end".encode()).text
    assert text == "é fim soft a b nul 1 • end"
