"""A number or a citation of law is never cut, wherever it stands and whatever the size of a chunk."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.chunk import chunk
from rag.domain.content import Block, BlockKind, ExtractedText
from rag.domain.documents import Chunking
from rag.text.references import REFERENCE
from rag.text.sentences import sentence_spans

REFERENCES = [
    "Art. 5º, § 2º",
    "Art. 5º, inciso LV,\nda CF",
    "art. 37, § 6º, da CF/88",
    "art. 7º, XXIX, alínea “a”",
    "art. 927, parágrafo único, do CC",
    "arts. 12 e 13",
    "art. 1º da Lei nº 9.784, de 29 de janeiro de 1999",
    "Lei nº 8.666/93",
    "Lei Complementar nº 123/2006",
    "Decreto-Lei nº 5.452/43",
    "Súmula Vinculante nº 11",
    "42 U.S.C. § 1983",
    "17 C.F.R. § 240.10b-5",
    "Section 4(b)(2)",
    "21 de junho de 1993",
    "R$ 1.234,56",
    "R$ 2,5 milhões",
    "US$ 5 million",
    "$1,234.56",
    "1 234 567,89",
    "12,5 %",
    "nº 1.234-5",
    "pág. 7",
]


def count_words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


@pytest.mark.parametrize("reference", REFERENCES)
def test_is_told_from_the_text_around_it(reference: str) -> None:
    found = REFERENCE.search(f"Vale o disposto: {reference}; nada mais.")
    assert found is not None
    assert found[0].rstrip(";") == reference


@pytest.mark.parametrize("reference", REFERENCES)
def test_ends_no_sentence(reference: str) -> None:
    text = f"O contrato segue {reference} em tudo. Depois vem o fim."
    assert [text[start:end] for start, end in sentence_spans(text)] == [
        f"O contrato segue {reference} em tudo.",
        "Depois vem o fim.",
    ]


@given(
    st.sampled_from(REFERENCES),
    st.integers(0, 40),
    st.integers(0, 40),
    st.integers(12, 30),
    st.sampled_from([BlockKind.PARAGRAPH, BlockKind.LIST_ITEM, BlockKind.TABLE_ROW]),
)
def test_is_in_one_chunk(reference: str, before: int, after: int, size: int, kind: BlockKind) -> None:
    lead = "palavra " * before
    text = f"{lead}{reference}{' palavra' * after}"
    extracted = ExtractedText(
        text=text, blocks=(Block(kind=kind, start=0, end=len(text)),), media_type="text/plain"
    )
    chunks = list(chunk(extracted, Chunking(max_tokens=size), most_tokens=512, count_tokens=count_words))
    assert any(each.start <= len(lead) and len(lead) + len(reference) <= each.end for each in chunks), [
        each.text for each in chunks
    ]
    assert all(len(each.text.split()) <= size for each in chunks)
    assert all(not text[one.end : two.start].strip() for one, two in pairwise(chunks))


def test_is_cut_where_it_is_longer_than_a_chunk() -> None:
    text = "art. 1º da Lei nº 9.784, de 29 de janeiro de 1999"
    extracted = ExtractedText(text=text, blocks=(), media_type="text/plain")
    chunks = list(chunk(extracted, Chunking(max_tokens=4), most_tokens=512, count_tokens=count_words))
    assert [word for each in chunks for word in each.text.split()] == text.split()
    assert all(len(each.text.split()) <= 4 for each in chunks)
