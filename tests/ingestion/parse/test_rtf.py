"""RTF: every word once, in order, in any code page; groups without end."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.parse.rtf import parse_rtf
from rag.errors import CorruptDocument, DocumentRejected
from tests.ingestion.parse.goldens.book_files import rtf
from tests.ingestion.parse.sections import Section, assert_words, sections


def escaped(text: str) -> str:
    return "".join(char if ord(char) < 128 else rf"\u{ord(char)}?" for char in text)


def section_rtf(section: Section) -> str:
    rows = "".join(
        r"\trowd"
        + rf"\cellx{1}" * len(row)
        + r"\pard\intbl "
        + "".join(rf"{cell}\cell " for cell in row)
        + r"\row"
        for row in section.rows
    )
    return escaped(
        rf"\pard\outlinelevel1 {section.heading}\par"
        + "".join(rf"\pard {text}\par" for text in section.paragraphs)
        + "".join(rf"{{\listtext\f2 \'b7\tab}}\pard {item}\par" for item in section.items)
        + rows
        + r"\pard "
    )


@given(sections())
@settings(max_examples=40, deadline=None)
def test_words_come_out_once_and_in_order(written: list[Section]) -> None:
    body = rtf("".join(map(section_rtf, written)))
    assert_words(parse_rtf(body.encode("ascii")), written)


@given(st.text(st.characters(codec="cp1252", categories=["L", "N", "P"]), min_size=1, max_size=40))
def test_bytes_of_a_code_page_and_code_units_give_the_same_text(text: str) -> None:
    as_bytes = "".join(rf"\'{byte:02x}" for byte in text.encode("cp1252"))
    as_units = "".join(rf"\u{ord(char)}?" for char in text)
    assert parse_rtf(rtf(as_bytes).encode()).text == parse_rtf(rtf(as_units).encode()).text


@pytest.mark.parametrize(
    "body",
    [
        b"{\\rtf1 " + b"{" * 100_000,
        b"{\\rtf1 open {group}",
        b"{\\rtf1 \\bin99999999 x}",
        b"words",
        b"{\\rtf1 \\",
    ],
)
def test_damaged_files(body: bytes) -> None:
    with pytest.raises(CorruptDocument):
        parse_rtf(body)


@given(
    st.lists(
        st.sampled_from(["{", "}", "\\par ", "\\cell ", "\\row ", "\\u55357 ", "\\'e9", "a", "\\*", "\\v "])
    )
)
def test_any_tokens_give_text_or_a_rejection(pieces: list[str]) -> None:
    try:
        extracted = parse_rtf(rtf("".join(pieces)).encode())
    except DocumentRejected:
        return
    extracted.text.encode()
